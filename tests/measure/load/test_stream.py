"""Streamed answers: tokens and their times, from pieces and from a real service."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ghmlops.core.latency.answers import Kind
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.measure.load import stream
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load
from ghmlops.measure.load.protocols import http1_exchange as exchange
from ghmlops.measure.load.stream import ChunkCutter, EventCutter, TokenLog
from ghmlops.measure.load.target import parse_target, probe

BODY = (
    b": comment\n\ndata: one\n\nevent: x\r\ndata: two\r\ndata: lines\r\n\r\ndata:\n\ndata\n\nid: 7\n\n"
    b'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    b'data: {"choices": [{"delta": {"content": ""}}]}\n\ndata: {"choices": []}\n\n'
    b'data: {"choices": [{"text": "old"}]}\n\ndata: {"token": 1}\n\ndata: \xff\n\n'
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\ndata: never ended'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_events_however_they_are_split(size: int) -> None:
    """Data makes a token, chat chunks need content; comments, empty events, [DONE] and a half event do not count."""
    seen: list[int] = []
    cutter = EventCutter(lambda: seen.append(1))
    for start in range(0, len(BODY), size):
        cutter.body(BODY[start : start + size])
    assert len(seen) == 6  # one; two lines; "a"; the old form; other JSON; what is not UTF-8
    assert (cutter.chat, cutter.ended, cutter.complete) == (True, True, True)


def test_a_chat_without_its_end_is_not_complete() -> None:
    """Neither a reason to finish nor [DONE]: cut short; other streams cannot tell."""
    chat, other = EventCutter(lambda: None), EventCutter(lambda: None)
    chat.body(b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n')
    other.body(b"data: a\n\n")
    assert (chat.complete, other.complete) == (False, True)


def test_chunks() -> None:
    """One token a chunk, in how many pieces it ever comes; the empty last one is none."""
    seen: list[int] = []
    cutter = ChunkCutter(lambda: seen.append(1))
    for piece in (b"a", b"bc"):
        cutter.body(piece)
    cutter.chunk_done()
    cutter.body(b"d")
    cutter.chunk_done()
    cutter.chunk_done()
    assert len(seen) == 2


def test_the_log_keeps_gaps_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps belong to their request and are renumbered with a part; what is beyond the limit is counted."""
    monkeypatch.setattr(stream, "MOST_GAPS", 3)
    log = TokenLog(4)
    for index, now in ((1, 1.0), (2, 1.5), (1, 2.0), (2, 3.0), (1, 4.0), (1, 5.0)):
        log.token(index, now)
    found = log.part(1, 3)
    assert (found.first.tolist(), found.last.tolist(), found.count.tolist()) == ([1.0, 1.5], [5.0, 3.0], [4, 2])
    assert (found.gap.tolist(), found.gap_of.tolist(), log.dropped) == ([1.0, 1.5, 2.0], [0, 1, 0], 1)
    log.token(3, 6.0)
    assert (log.part(3, 4).count.tolist(), log.part(3, 4).gap.tolist()) == ([1], [])


def given(service: str, path: str, how: str, n: int = 6) -> Load:
    return Load(
        targets=[probe(parse_target(service, "url"), "url")],
        endpoints=[Request(path=path)],
        calls=[Call(endpoint=0, path=path, body=b"x")],
        order=[0] * n,
        times=np.arange(n) / 50,
        warmup=0,
        block=3,
        second_first=[0] * n,
        connections=4,
        timeout=10.0,
        stream=how,
    )


@pytest.mark.parametrize(
    ("path", "how", "tokens"),
    [
        ("/stream/sse", "sse", 3),
        ("/stream/crlf", "sse", 3),
        ("/stream/chat", "sse", 2),
        ("/stream/sse", "chunked", 6),
        ("/chunked", "chunked", 2),
    ],
)
def test_tokens_of_a_real_stream(service: str, path: str, how: str, tokens: int) -> None:
    """Tokens are counted by answer, in order of time, with one gap fewer than tokens."""
    (answers,) = run_load(given(service, path, how), lambda _: True).arms
    found = answers.tokens
    assert found is not None
    assert answers.kind.tolist() == [Kind.OK] * 6
    assert found.count.tolist() == [tokens] * 6
    assert np.bincount(found.gap_of, minlength=6).tolist() == [tokens - 1] * 6
    assert bool((answers.first <= found.first).all())
    assert bool((found.first <= found.last).all())
    assert bool((found.last <= answers.done).all())
    total = np.bincount(found.gap_of, found.gap, minlength=6)
    assert np.allclose(total, found.last - found.first, atol=1e-4)


@pytest.mark.parametrize(
    ("path", "how", "kind", "example"),
    [
        ("/stream/cut", "sse", Kind.CLOSED, "bytes of an answer: HTTP/1.1 200 OK data:"),
        ("/stream/open", "sse", Kind.CLOSED, "the stream was cut after"),
        ("/stream/unfinished", "sse", Kind.CLOSED, "the stream ended before it was complete"),
        ("/stream/none", "sse", Kind.CHECK, "no token in the stream"),
        ("/predict", "sse", Kind.CHECK, "no token in the stream"),
        ("/predict", "chunked", Kind.CHECK, "no token in the stream"),
        ("/status/500", "sse", Kind.STATUS, "500"),
        ("/garbage", "sse", Kind.GARBAGE, "not HTTP"),
    ],
)
def test_streams_that_fail(service: str, path: str, how: str, kind: Kind, example: str) -> None:
    """Cut, unfinished, empty, or no stream at all: counted by kind, with an example."""
    recording = run_load(given(service, path, how), lambda _: True)
    assert recording.arms[0].kind.tolist() == [kind] * 6
    assert example in recording.examples[0][kind]


def test_a_stream_is_checked_like_any_answer(service: str) -> None:
    """`contains` looks at the whole body."""
    load = given(service, "/stream/sse", "sse")
    wanting = replace(load, endpoints=[Request(path="/stream/sse", expect=Expect(contains="nowhere"))])
    recording = run_load(wanting, lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.CHECK] * 6


def test_an_endless_stream_is_cut(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of an answer holds for streams."""
    monkeypatch.setattr(exchange, "MAX_ANSWER", 3_000_000)
    recording = run_load(given(service, "/endless", "chunked", n=3), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.TOO_LARGE] * 3


def test_a_run_without_stream_has_no_tokens(service: str) -> None:
    """`tokens` is only there where it was asked for."""
    (answers,) = run_load(given(service, "/chunked", ""), lambda _: True).arms
    assert answers.tokens is None
