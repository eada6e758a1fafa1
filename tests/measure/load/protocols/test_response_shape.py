"""Shapes of responses: whatever a shape accepts, the parser frames in the same way."""

from __future__ import annotations

import httptools
import pytest

from ghmlops.core.policy.latency import Expect, JsonCheck
from ghmlops.measure.load.checks import Check
from ghmlops.measure.load.protocols.response_shape import derive_shape

RESPONSE = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 16:00:00 GMT\r\nconnection: keep-alive\r\nContent-Type: a/b\r\n"
    b'Content-Length: 14\r\nx-id: 7f\r\n\r\n{"score": 0.5}'
)
CHECK = Check(Expect())


class ParsedResponse:
    """Result of the parser for some bytes.

    Attributes:
        framing: Status and index of the body; `None` if the bytes are not one complete response that is kept alive.
    """

    def __init__(self, data: bytes) -> None:
        self.body, self.ends = b"", 0
        self.parser = httptools.HttpResponseParser(self)
        self.keep_alive = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.ends = -1
        start = data.find(b"\r\n\r\n") + 4
        complete = self.ends == 1 and self.keep_alive and data[start:] == self.body
        self.framing = (self.parser.get_status_code(), start) if complete else None

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ends += 1
        self.keep_alive = self.parser.should_keep_alive()


def test_date_identifier_and_length_may_differ() -> None:
    """A response with other values of such headers, and another length with its body, is accepted and remembered."""
    shape = derive_shape(RESPONSE, 200, CHECK)
    assert shape is not None
    other = (
        RESPONSE.replace(b"16:00:00", b"16:00:01")
        .replace(b"7f", b"another id")
        .replace(b"0.5", b"0.123")
        .replace(b"14", b"16")
    )
    start = other.find(b"{")
    assert shape.accepts(other, len(other))
    assert (shape.head, shape.size) == (other[:start], len(other))
    buffer = bytearray(other + b"rest of an earlier response")
    assert shape.body_start(buffer, len(other)) == start
    assert shape.body_start(RESPONSE, len(RESPONSE)) == RESPONSE.find(b"{")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"200 OK", b"500 OK"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"Content-Length: 14", b"Content-Length: 15"),
        (b"Content-Length: 14", b"Content-Length: 13"),
        (b"Content-Length: 14", b"Content-Length: -4"),
        (b"keep-alive", b"close     "),
        (b"x-id: 7f", b"x-id: 7\n"),
        (b"x-id: 7f", b"x-id: 7f\r\nconnection: close"),
        (b"x-id: 7f", b"transfer-encoding: chunked"),
        (b"x-id", b"x-no"),
        (b'"score": 0.5}', b'"score": 0.5}HTTP/1.1 200 OK'),
        (b"Content-Type: a/b\r\n", b"Content-Length: 14\r\n"),
    ],
)
def test_a_response_with_different_framing_does_not_match(old: bytes, new: bytes) -> None:
    """Another status line, length, connection or set of headers, or more or less than one response, must be parsed."""
    shape = derive_shape(RESPONSE, 200, CHECK)
    other = RESPONSE.replace(old, new, 1)
    assert shape is not None
    assert other != RESPONSE
    assert shape.body_start(other, len(other)) == 0


def test_only_successful_responses_are_remembered() -> None:
    """A response that matches but fails a check does not change head, size and prefix."""
    check = Check(Expect(contains="score", smallest=14))
    shape = derive_shape(RESPONSE, 200, check)
    assert shape is not None
    assert shape.prefix == RESPONSE[: RESPONSE.find(b"score") + 5]
    before = (shape.head, shape.start, shape.size, shape.prefix)
    short = RESPONSE.replace(b"0.5", b"1").replace(b": 14", b": 12")
    other = RESPONSE.replace(b"score", b"label")
    for bad in (short, other):
        assert shape.body_start(bad, len(bad))
        assert not shape.accepts(bad, len(bad))
        assert (shape.head, shape.start, shape.size, shape.prefix) == before
    longer = RESPONSE.replace(b"0.5", b"0.55").replace(b": 14", b": 15")
    assert shape.accepts(longer, len(longer))
    assert (shape.size, shape.prefix) == (len(longer), longer[: longer.find(b"score") + 5])


def test_a_json_check_applies_to_the_whole_body() -> None:
    """With a JSON check there is no prefix that would be sufficient."""
    check = Check(Expect(json=(JsonCheck(path="score", equals="0.5"),)))
    shape = derive_shape(RESPONSE, 200, check)
    assert shape is not None
    assert (shape.prefix, shape.simple) == (b"", False)
    assert shape.accepts(RESPONSE, len(RESPONSE))
    assert not shape.accepts(RESPONSE.replace(b"0.5", b"0.7"), len(RESPONSE))


def test_the_parser_agrees_with_every_match() -> None:
    """With each byte replaced, removed or doubled, the parser frames every response that matches in the same way."""
    shape = derive_shape(RESPONSE, 200, CHECK)
    assert shape is not None
    matches = 0
    for position in range(len(RESPONSE)):
        changed = [
            RESPONSE[:position] + bytes([byte]) + RESPONSE[position + 1 :] for byte in b"\0\t\n\r \x7f\x80\xff059:;aZ{"
        ]
        changed += [
            RESPONSE[:position] + RESPONSE[position + 1 :],
            RESPONSE[:position] + RESPONSE[position : position + 1] + RESPONSE[position:],
        ]
        for other in changed:
            start = shape.body_start(other, len(other))
            if start:
                matches += 1
                assert ParsedResponse(other).framing == (200, start), other
    assert matches > 200


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nupgrade: x\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0",
    ],
)
def test_some_responses_have_no_shape(response: bytes) -> None:
    """Chunks, no length, HTTP/1.0, a status without body, folded lines, upgrades and partial heads must be parsed."""
    assert derive_shape(response, int(response[9:12]), CHECK) is None
