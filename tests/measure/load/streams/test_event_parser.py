"""Parsers of streamed bodies: events however they are split and ended, and chunks."""

from __future__ import annotations

import pytest

from ghmlops.core.load.stream_apis import Part
from ghmlops.measure.load.streams.event_parser import ChunkParser, EventParser

BODY = (
    b": comment\n\ndata: one\n\nevent: x\r\ndata: two\r\ndata: lines\r\n\r\ndata:\n\ndata\n\nid: 7\n\n"
    b'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n'
    b'data: {"choices": [{"delta": {"content": "a"}, "finish_reason": null}]}\n\n'
    b'data: {"choices": [{"delta": {"content": ""}}]}\n\ndata: {"choices": []}\n\n'
    b'data: {"choices": [{"text": "old"}]}\n\ndata: {"token": 1}\n\ndata: \xff\n\n'
    b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\ndata: never ended'
)
CHAT = 'data: {"choices": [{"delta": {"content": "größer 猫"}, "finish_reason": null}]}\n\n'.encode()
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error": {"message": "boom"}}\n\n'


def parse(body: bytes, size: int = 10_000, *, api_only: bool = False) -> tuple[EventParser, list[Part]]:
    tokens: list[Part] = []
    parser = EventParser(tokens.append, api_only=api_only)
    for start in range(0, len(body), size):
        parser.feed(body[start : start + size])
    parser.finish()
    return parser, tokens


def chunks(*pieces: bytes) -> tuple[ChunkParser, list[Part]]:
    tokens: list[Part] = []
    parser = ChunkParser(tokens.append)
    for piece in pieces:
        parser.feed(piece[:3])
        parser.feed(piece[3:])
        parser.end_chunk()
    parser.end_chunk()
    parser.finish()
    return parser, tokens


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_events_are_independent_of_how_the_body_is_split(size: int, line_end: bytes) -> None:
    """An event with data is a token, a chat chunk only with content, whatever ends the lines and splits the reads."""
    body = b"\xef\xbb\xbf" + BODY.replace(b"\r\n", b"\n").replace(b"\n", line_end)
    parser, tokens = parse(body, size)
    assert tokens == [Part.OUTPUT] * 6  # one; two lines; "a"; a completion chunk; other JSON; invalid UTF-8
    assert (parser.recognised, parser.end_announced, parser.complete, parser.failure) == (True, True, True, b"")


@pytest.mark.parametrize("size", [1, 5, 10_000])
def test_a_byte_order_mark_belongs_to_no_event(size: int) -> None:
    """The first event after a byte order mark counts, and characters may be split between reads."""
    parser, tokens = parse(b"\xef\xbb\xbf" + CHAT + CHAT + DONE, size)
    assert (tokens, parser.complete) == ([Part.OUTPUT] * 2, True)


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]\r\n", b"data: [DONE]\r"])
def test_the_end_marker_needs_no_blank_line(end: bytes) -> None:
    """A stream that ends with `[DONE]` is complete even if no newline follows it."""
    parser, tokens = parse(CHAT + end, 4)
    assert (tokens, parser.complete) == ([Part.OUTPUT], True)


@pytest.mark.parametrize(
    "body",
    [
        CHAT,
        b'data: {"type": "response.output_text.delta", "delta": "a"}\n\n',
        b'data: {"type": "content_block_delta", "delta": {"text": "a"}}\n\n',
        b'data: {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}\n\n',
        b'data: {"token": {"text": "a"}, "generated_text": null}\n\n',
    ],
)
def test_a_known_api_without_its_end_marker_is_incomplete(body: bytes) -> None:
    """A stream of a known API needs its end marker; any other stream has none."""
    assert not parse(body)[0].complete
    assert parse(b"data: a\n\n")[0].complete


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(
    "event",
    [
        ERROR,
        b'error: {"code": 500, "message": "boom"}\n\n',  # llama.cpp
        b'event: error\ndata: {"type": "error"}\n\n',
        b"event: error\ndata: null\n\n",
        b"event: error\ndata:\n\n",
        b'event: error\r\ndata: {"type":\r\ndata: "error"}\r\n\r\n',
        ERROR.rstrip(b"\n"),  # the service died after it
    ],
)
def test_a_failure_is_recorded_and_is_no_token(event: bytes, size: int) -> None:
    """A failure is recorded in each spelling, before and after tokens, and does not count as a token."""
    parser, tokens = parse(CHAT + event, size)
    assert (tokens, bool(parser.failure)) == ([Part.OUTPUT], True)
    assert parse(event, size)[1] == []


def test_the_first_failure_is_the_example() -> None:
    """The data of the first failure is kept."""
    parser, _ = parse(ERROR + b'data: {"error": "second"}\n\n')
    assert b"boom" in parser.failure


def test_events_of_no_known_api_are_no_tokens_of_a_preset() -> None:
    """With a preset an unknown object or text is not output."""
    assert parse(b'data: {"detail": "x"}\n\ndata: a\n\n' + DONE, api_only=True)[1] == []
    assert parse(CHAT + DONE, api_only=True)[1] == [Part.OUTPUT]


def test_each_chunk_is_a_token() -> None:
    """A chunk is one token in however many pieces it is read; the empty last one is not."""
    parser, tokens = chunks(b"abcdef", b"g")
    assert (tokens, parser.complete, parser.failure) == ([Part.OUTPUT] * 2, True, b"")


@pytest.mark.parametrize(
    "chunk",
    [
        b'{"error": "model runner has unexpectedly stopped"}\n',  # Ollama
        b'data: {"error": {"message": "boom"}}\n\n',
        b'error: {"code": 500}\n\n',
        b"\x00\x00\x00\x8d\x0d:exception-type\x07\x00\x13throttlingException",  # Bedrock
    ],
)
def test_a_chunk_can_report_a_failure(chunk: bytes) -> None:
    """A failure in the last chunk is one."""
    assert chunks(b'{"response": "a", "done": false}\n', chunk)[0].failure


def test_the_last_line_of_a_json_stream_is_no_token() -> None:
    """Chunks of JSON lines are classified: the line with the totals is no token."""
    lines = (b'{"response": "a", "done": false}\n', b'{"response": "", "done": true, "eval_count": 9}\n')
    parser, tokens = chunks(*lines)
    assert (tokens, parser.usage) == ([Part.OUTPUT], 9)
