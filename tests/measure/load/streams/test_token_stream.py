"""Tokens of streamed responses and their times, from pieces of a body and from a service."""

from __future__ import annotations

import socket
from dataclasses import replace

import numpy as np
import pytest

import raw_service
from ghmlops.core.latency.answers import Tokens
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import Share, misses
from ghmlops.core.load.call import Call
from ghmlops.core.policy.latency import Expect, Request
from ghmlops.core.policy.objectives import Objectives
from ghmlops.measure.load.connecting.probe import probe
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Load, Recording
from ghmlops.measure.load.protocols import http1_exchange as exchange
from ghmlops.measure.load.streams import token_stream
from ghmlops.measure.load.streams.token_stream import TokenLog
from ghmlops.measure.load.target import parse_target
from token_times import check_gaps


def test_the_log_stores_gaps_up_to_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part contains the gaps of its requests, renumbered; gaps beyond the limit are counted."""
    monkeypatch.setattr(token_stream, "MAX_TOKEN_GAPS", 3)
    log = TokenLog(4)
    for index, now in ((1, 1.0), (2, 1.5), (1, 2.0), (2, 3.0), (1, 4.0), (1, 5.0)):
        log.record(index, now, 0.0)
    part = log.part(1, 3)
    assert (part.first.tolist(), part.last.tolist(), part.count.tolist()) == ([1.0, 1.5], [5.0, 3.0], [4, 2])
    assert (part.gap.tolist(), part.gap_of.tolist(), log.dropped) == ([1.0, 1.5, 2.0], [0, 1, 0], 1)
    log.record(3, 6.0, 0.0)
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
        ("/stream/sse", "chunked", 5),
        ("/chunked", "chunked", 2),
    ],
)
def test_tokens_of_a_streamed_response(service: str, path: str, stream: str, tokens: int) -> None:
    """Each response has its tokens in order of time; the gaps add up to the time from the first to the last."""
    (answers,) = run_load(stream_load(service, path, stream), lambda _: True).arms
    log = answers.tokens
    assert log is not None
    assert answers.kind.tolist() == [Kind.OK] * 6
    assert log.count.tolist() == [tokens] * 6
    assert bool((answers.first <= log.first).all())
    assert bool((log.first <= log.last).all())
    assert bool((log.last <= answers.done).all())
    check_gaps(log)


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


def test_tokens_that_arrive_together_have_no_gap() -> None:
    """Only the pause before a burst is a gap; a slow stream with equal gaps, however short, keeps all of them."""
    log = TokenLog(4)
    for now in (1.0, 1.0, 1.0002, 1.6, 1.6003, 1.6003):  # a proxy that flushes twice
        log.record(0, now, 0.4)
    for now in (1.0, 1.0, 1.0004):  # one that flushes once
        log.record(1, now, 0.4)
    for now in (1.00035, 1.0007, 1.00105):  # a fast service
        log.record(2, now, 1.0)
    log.record(3, 1.0, 0.9)
    part = log.part(0, 4)
    assert part.gap_of.tolist() == [0, 2, 2]
    assert part.gap.tolist() == pytest.approx([0.5998, 0.00035, 0.00035], abs=1e-5)
    assert part.buffered.tolist() == [False, True, False, False]
    assert part.rate[0] == pytest.approx(3 / 0.6003)
    assert np.isnan(part.rate[[1, 3]]).all()


def test_the_service_reports_how_many_tokens_it_generated() -> None:
    """The reported number replaces the number of events; several tokens in a single event arrived all at once."""
    log = TokenLog(2)
    for index, now in ((0, 1.0), (0, 2.0), (1, 1.0)):
        log.record(index, now, 0.0)
    log.generated[0], log.generated[1] = 20, 7
    part = log.part(0, 2)
    assert (part.total.tolist(), part.count.tolist()) == ([20, 7], [2, 1])
    assert part.buffered.tolist() == [False, True]
    assert part.rate[0] == pytest.approx(10.0)


CHAT = b'data: {"choices": [{"delta": {%s}, "finish_reason": null}]}\n\n'
TEXT, THOUGHT = CHAT % b'"content": "a"', CHAT % b'"reasoning_content": "a"'
CALL = CHAT % b'"tool_calls": [{"function": {"arguments": "{"}}]'
STOP = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
RESPONSES = [
    b'event: %s\ndata: {"type": "%s", "response": {"error": null}}\n\n' % (kind, kind)
    for kind in (b"response.created", b"response.in_progress", b"response.output_item.added")
]
ANSWER = b'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "delta": "a"}\n\n'
COMPLETED = b'data: {"type": "response.completed", "response": {"usage": {"output_tokens": 40}}}\n\n'
FAILED = (
    b'event: response.failed\ndata: {"type": "response.failed", "response": {"error": {"code": "server_error"}}}\n\n'
)


def play(pieces: list[bytes | float], stream: str = "sse", n: int = 4, protocol: str = "http/1.1") -> Recording:
    """Run `n` requests against a service that streams these pieces, with pauses in seconds between them."""
    with raw_service.started(raw_service.answering(lambda connection, _: connection.stream_chunks(pieces))) as service:
        return run_load(replace(stream_load(service.url, "/", stream, n), protocol=protocol), lambda _: True)


def tokens_of(recording: Recording) -> Tokens:
    (answers,) = recording.arms
    assert answers.kind.tolist() == [Kind.OK] * len(answers), recording.examples
    assert answers.tokens is not None
    return answers.tokens


@pytest.mark.parametrize("stream", ["sse", "sse-api"])
@pytest.mark.parametrize(
    "pieces",
    [
        [TEXT, 0.005, b'data: {"error": {"message": "boom"}}\n\n', DONE],
        [b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error"}}\n\n'],
        [TEXT, b'error: {"code": 500, "message": "boom"}\n\n'],
        [*RESPONSES, ANSWER, FAILED],
        [TEXT, CHAT.replace(b"null", b'"content_filter"') % b"", DONE],
    ],
)
def test_a_failure_inside_a_stream_is_a_failed_request(pieces: list[bytes | float], stream: str) -> None:
    """A stream that began with 200 and reports a failure has failed, and its event is the example."""
    recording = play(pieces, stream)
    assert recording.arms[0].kind.tolist() == [Kind.ERROR_EVENT] * 4
    assert recording.arms[0].status.tolist() == [200] * 4
    assert "the stream reports a failure" in recording.examples[0][Kind.ERROR_EVENT]


def test_a_failure_before_a_broken_connection_is_the_cause() -> None:
    """If the service closes the connection after its error event, the event is reported and not the connection."""

    def fail(connection: raw_service.Connection, _request: bytes) -> None:
        event = b'data: {"error": "boom"}\n\n'
        connection.write(raw_service.HEAD, b"%x\r\n%s\r\n" % (len(event), event))
        connection.stream.shutdown(socket.SHUT_RDWR)

    with raw_service.started(raw_service.answering(fail)) as broken:
        recording = run_load(stream_load(broken.url, "/", "sse", 3), lambda _: True)
    assert recording.arms[0].kind.tolist() == [Kind.ERROR_EVENT] * 3


def test_structure_events_are_not_the_first_token() -> None:
    """On the Responses API the first token is the first delta, 100 ms after the events that announce the answer."""
    tokens = tokens_of(play([*RESPONSES, 0.1, ANSWER, 0.02, ANSWER, COMPLETED], "sse-api", n=3))
    assert (tokens.count.tolist(), tokens.total.tolist()) == ([2] * 3, [40] * 3)
    assert (tokens.gap > 0.015).all()
    (answers,) = play([*RESPONSES, 0.1, ANSWER, COMPLETED], "sse-api", n=3).arms
    assert answers.tokens is not None
    assert (answers.tokens.first - answers.sent > 0.095).all()


def test_reasoning_precedes_the_first_token_of_output() -> None:
    """The first token may be reasoning; the first output token is text or part of a tool call."""
    for output in (TEXT, CALL):
        tokens = tokens_of(play([THOUGHT, 0.05, THOUGHT, 0.05, output, STOP, DONE], n=3))
        assert tokens.count.tolist() == [3] * 3
        assert tokens.first_output is not None
        assert (tokens.first_output - tokens.first > 0.095).all()


@pytest.mark.parametrize(("piece", "has_output"), [(THOUGHT, False), (CALL, True)])
def test_answers_of_reasoning_or_tool_calls_alone_are_good(piece: bytes, has_output: bool) -> None:
    """An answer without text is complete; reasoning alone has no first token of output."""
    tokens = tokens_of(play([piece, 0.01, piece, STOP, DONE]))
    assert tokens.first_output is not None
    assert ((tokens.first_output > 0) == has_output).all()


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_a_buffered_answer_has_no_measured_gap(size: int) -> None:
    """A proxy that holds the answer 100 ms and writes it at once, in one piece or in many, leaves no gap to judge."""
    body = TEXT * 30 + STOP + DONE
    pieces = [body[start : start + 4096 * size] for start in range(0, len(body), 4096 * size)]
    recording = play([0.1, *pieces], n=3)
    tokens = tokens_of(recording)
    assert (tokens.count.tolist(), tokens.gap.tolist(), tokens.buffered.tolist()) == ([30] * 3, [], [True] * 3)
    slo = Objectives(token_gap={"p50": 0.02})
    assert misses(slo, recording.arms[0]) == {"token-gap-p50": Share(missed=0, n=0)}


def test_an_answer_that_is_held_back_in_parts_shows_its_pauses() -> None:
    """A buffer that is flushed every 50 ms leaves gaps of 50 ms, not a mean of short ones."""
    tokens = tokens_of(play([part for _ in range(4) for part in (0.05, TEXT * 10)] + [STOP, DONE], n=3))
    assert np.bincount(tokens.gap_of, minlength=3).tolist() == [3] * 3
    assert (tokens.gap > 0.045).all()


def test_the_end_marker_without_a_newline_completes_a_stream_that_the_connection_ends() -> None:
    """`[DONE]` counts without its newline; the same stream without it was truncated."""

    def close(end: bytes) -> list[int]:
        def script(connection: raw_service.Connection, _service: object) -> None:
            connection.request()
            connection.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", TEXT + end)

        with raw_service.started(script) as service:
            recording = run_load(stream_load(service.url, "/", "sse", 3), lambda _: True)
        return list(recording.arms[0].kind)

    assert close(b"data: [DONE]") == [Kind.OK] * 3
    assert close(b"") == [Kind.CLOSED] * 3
