"""The shape of an answer: what it takes, the parser would have taken just so."""

from __future__ import annotations

import httptools
import pytest

from ghmlops.core.policy.latency import Expect, JsonCheck
from ghmlops.measure.load.checks import Check
from ghmlops.measure.load.protocols.response_shape import shape_of

ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 16:00:00 GMT\r\nconnection: keep-alive\r\nContent-Type: a/b\r\n"
    b'Content-Length: 14\r\nx-id: 7f\r\n\r\n{"score": 0.5}'
)
CHECK = Check(Expect())


class Parsed:
    """What the parser says of one piece of bytes: status, place of the body, kept alive; None where it is not whole."""

    def __init__(self, data: bytes) -> None:
        self.body, self.ends = b"", 0
        self.parser = httptools.HttpResponseParser(self)
        self.keep = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.ends = -1
        start = data.find(b"\r\n\r\n") + 4
        whole = self.ends == 1 and self.keep and data[start:] == self.body
        self.found = (self.parser.get_status_code(), start) if whole else None

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.ends += 1
        self.keep = self.parser.should_keep_alive()


def test_another_date_id_and_length_fit() -> None:
    """The values of other headers may change, and the length with the body."""
    shape = shape_of(ANSWER, 200, CHECK)
    assert shape is not None
    other = (
        ANSWER.replace(b"16:00:00", b"16:00:01")
        .replace(b"7f", b"another id")
        .replace(b"0.5", b"0.123")
        .replace(b"14", b"16")
    )
    start = other.find(b"{")
    assert shape.takes(other, len(other))
    assert (shape.head, shape.size) == (other[:start], len(other))
    buffer = bytearray(other + b"left over of an older answer")
    assert shape.fits(buffer, len(other)) == start
    assert shape.fits(ANSWER, len(ANSWER)) == ANSWER.find(b"{")


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
def test_what_frames_otherwise_does_not_fit(old: bytes, new: bytes) -> None:
    """Status line, length, connection, other headers, more or less than one answer: parsed again."""
    shape = shape_of(ANSWER, 200, CHECK)
    other = ANSWER.replace(old, new, 1)
    assert shape is not None
    assert other != ANSWER
    assert shape.fits(other, len(other)) == 0


def test_only_good_answers_are_what_the_next_is_known_by() -> None:
    """An answer that fits and misses a check leaves head, size and known begin as they were."""
    check = Check(Expect(contains="score", smallest=14))
    shape = shape_of(ANSWER, 200, check)
    assert shape is not None
    assert shape.known == ANSWER[: ANSWER.find(b"score") + 5]
    before = (shape.head, shape.start, shape.size, shape.known)
    short = ANSWER.replace(b"0.5", b"1").replace(b": 14", b": 12")
    other = ANSWER.replace(b"score", b"label")
    for bad in (short, other):
        assert shape.fits(bad, len(bad))
        assert not shape.takes(bad, len(bad))
        assert (shape.head, shape.start, shape.size, shape.known) == before
    longer = ANSWER.replace(b"0.5", b"0.55").replace(b": 14", b": 15")
    assert shape.takes(longer, len(longer))
    assert (shape.size, shape.known) == (len(longer), longer[: longer.find(b"score") + 5])


def test_where_more_is_asked_of_a_body_no_begin_is_enough() -> None:
    """A JSON check looks at the whole body each time."""
    check = Check(Expect(json=(JsonCheck(path="score", equals="0.5"),)))
    shape = shape_of(ANSWER, 200, check)
    assert shape is not None
    assert (shape.known, shape.simple) == (b"", False)
    assert shape.takes(ANSWER, len(ANSWER))
    assert not shape.takes(ANSWER.replace(b"0.5", b"0.7"), len(ANSWER))


def test_what_fits_is_what_the_parser_takes() -> None:
    """Each byte of the answer replaced, removed and doubled: whatever fits, the parser frames in the same way."""
    shape = shape_of(ANSWER, 200, CHECK)
    assert shape is not None
    fitting = 0
    for place in range(len(ANSWER)):
        changed = [ANSWER[:place] + bytes([byte]) + ANSWER[place + 1 :] for byte in b"\0\t\n\r \x7f\x80\xff059:;aZ{"]
        changed += [ANSWER[:place] + ANSWER[place + 1 :], ANSWER[:place] + ANSWER[place : place + 1] + ANSWER[place:]]
        for other in changed:
            start = shape.fits(other, len(other))
            if start:
                fitting += 1
                assert Parsed(other).found == (200, start), other
    assert fitting > 200


@pytest.mark.parametrize(
    "answer",
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
def test_some_answers_have_no_shape(answer: bytes) -> None:
    """Chunks, no length, an old version, no body by definition, folded lines, upgrades: always parsed."""
    assert shape_of(answer, int(answer[9:12]), CHECK) is None
