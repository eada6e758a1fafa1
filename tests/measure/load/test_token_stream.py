"""Tokens of streamed responses and their times, from pieces of a body and from a service."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.latency.kind import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load import token_stream
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.protocols import http1_exchange as exchange
from ghmlops.measure.load.target import parse_target, probe
from ghmlops.measure.load.token_stream import ChunkParser, EventParser, TokenLog

BODY = (
    b": comment\n\ndata: one\n\nevent: x\r\ndata: two\r\ndata: lines\r\n\r\ndata:\n\ndata\n\nid: 7\n\n"
    b'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    b'data: {"choices": [{"delta": {"content": ""}}]}\n\ndata: {"choices": []}\n\n'
    b'data: {"choices": [{"text": "old"}]}\n\ndata: {"token": 1}\n\ndata: \xff\n\n'
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\ndata: never ended'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_events_are_independent_of_how_the_body_is_split(size: int) -> None:
    """An event with data is a token, a chat chunk only with content; comments, empty and partial events are not."""
    tokens: list[int] = []
    parser = EventParser(lambda: tokens.append(1))
    for start in range(0, len(BODY), size):
        parser.feed(BODY[start : start + size])
    assert len(tokens) == 6  # one; two lines; "a"; a completion chunk; other JSON; invalid UTF-8
    assert (parser.chat, parser.complete_marker, parser.complete) == (True, True, True)


def test_a_chat_without_end_marker_is_incomplete() -> None:
    """A chat needs a finish reason or [DONE] to be complete; other streams have no such marker."""
    chat, other = EventParser(lambda: None), EventParser(lambda: None)
    chat.feed(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
    other.feed(b"data: a\n\n")
    assert (chat.complete, other.complete) == (False, True)


def test_each_chunk_is_a_token() -> None:
    """A chunk is one token in however many pieces it is read; the empty last one is not."""
    tokens: list[int] = []
    parser = ChunkParser(lambda: tokens.append(1))
    for piece in (b"a", b"bc"):
        parser.feed(piece)
    parser.end_chunk()
    parser.feed(b"d")
    parser.end_chunk()
    parser.end_chunk()
    assert len(tokens) == 2


def test_the_log_stores_gaps_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part contains the gaps of its requests, renumbered; gaps beyond the limit are counted."""
    monkeypatch.setattr(token_stream, "MAX_TOKEN_GAPS", 3)
    log = TokenLog(4)
    for index, now in ((1, 1.0), (2, 1.5), (1, 2.0), (2, 3.0), (1, 4.0), (1, 5.0)):
        log.record(index, now)
    part = log.part(1, 3)
    assert (part.first.tolist(), part.last.tolist(), part.count.tolist()) == ([1.0, 1.5], [5.0, 3.0], [4, 2])
    assert (part.gap.tolist(), part.gap_of.tolist(), log.dropped) == ([1.0, 1.5, 2.0], [0, 1, 0], 1)
    log.record(3, 6.0)
    assert (log.part(3, 4).count.tolist(), log.part(3, 4).gap.tolist()) == ([1], [])


def stream_load(service: str, path: str, stream: str, n: int = 6) -> Load:
    return Load(
        targets=[probe(parse_target(service, "url"), "url")],
        endpoints=[Request(path=path)],
        calls=[Call(endpoint=0, path=path, body=b"x")],
        order=[0] * n,
        times=np.arange(n) / 50,
        warmup=0,
        block=3,
        write_order=[0] * n,
        connections=4,
        timeout=10.0,
        stream=stream,
    )


@pytest.mark.parametrize(
    ("path", "stream", "tokens"),
    [
        ("/stream/sse", "sse", 3),
        ("/stream/crlf", "sse", 3),
        ("/stream/chat", "sse", 2),
        ("/stream/sse", "chunked", 6),
        ("/chunked", "chunked", 2),
    ],
)
def test_tokens_of_a_streamed_response(service: str, path: str, stream: str, tokens: int) -> None:
    """Each response has its tokens in order of time, with one gap fewer than tokens."""
    (answers,) = run_load(stream_load(service, path, stream), lambda _: True).arms
    log = answers.tokens
    assert log is not None
    assert answers.kind.tolist() == [Kind.OK] * 6
    assert log.count.tolist() == [tokens] * 6
    assert np.bincount(log.gap_of, minlength=6).tolist() == [tokens - 1] * 6
    assert bool((answers.first <= log.first).all())
    assert bool((log.first <= log.last).all())
    assert bool((log.last <= answers.done).all())
    total = np.bincount(log.gap_of, log.gap, minlength=6)
    assert np.allclose(total, log.last - log.first, atol=1e-4)


@pytest.mark.parametrize(
    ("path", "stream", "kind", "example"),
    [
        ("/stream/cut", "sse", Kind.CLOSED, "HTTP/1.1 200 OK data:"),
        ("/stream/open", "sse", Kind.CLOSED, "truncated"),
        ("/stream/unfinished", "sse", Kind.CLOSED, "before it was complete"),
        ("/stream/none", "sse", Kind.CHECK, "no token"),
        ("/predict", "sse", Kind.CHECK, "no token"),
        ("/predict", "chunked", Kind.CHECK, "no token"),
        ("/status/500", "sse", Kind.STATUS, "500"),
        ("/garbage", "sse", Kind.GARBAGE, "not HTTP"),
    ],
)
def test_faulty_streams_are_failures(service: str, path: str, stream: str, kind: Kind, example: str) -> None:
    """A truncated, incomplete, empty or missing stream is counted by kind, with an example."""
    recording = run_load(stream_load(service, path, stream), lambda _: True)
    assert recording.arms[0].kind.tolist() == [kind] * 6
    assert example in recording.examples[0][kind]


def test_a_stream_is_checked_like_any_response(service: str) -> None:
    """The check `contains` applies to the complete body."""
    load = stream_load(service, "/stream/sse", "sse")
    checked = replace(load, endpoints=[Request(path="/stream/sse", expect=Expect(contains="nowhere"))])
    recording = run_load(checked, lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.CHECK] * 6


def test_an_endless_stream_is_a_failure(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The maximum size of a response applies to streams."""
    monkeypatch.setattr(exchange, "MAX_RESPONSE_BYTES", 3_000_000)
    recording = run_load(stream_load(service, "/endless", "chunked", n=3), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.TOO_LARGE] * 3


def test_a_run_without_stream_has_no_tokens(service: str) -> None:
    """Without the policy key `stream` the recording has no tokens."""
    (answers,) = run_load(stream_load(service, "/chunked", ""), lambda _: True).arms
    assert answers.tokens is None
