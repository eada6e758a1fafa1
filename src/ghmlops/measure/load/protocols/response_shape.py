"""The shape of an answer: what lets the next one of the same kind be taken without parsing it again.

Most answers of a service have the head of the one before, but for a date, an id, or the length of the body. A shape
knows all bytes of such a head that say where the answer ends and whether the connection lives on; an answer that
differs in any of them is parsed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.measure.load.checks import Check

MOST_HEAD = 8192
_FIXED = {b"connection", b"keep-alive", b"proxy-connection"}
_NEVER = {b"transfer-encoding", b"upgrade", b"trailer"}
_BODILESS = (204, 304)
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"([ \t]*)[0-9]{1,8}([ \t]*)")


class Shape:
    """A head that was parsed, and the pattern of heads that end alike.

    Attributes:
        head: of the last good answer of this shape.
        start: where its body begins.
        size: bytes of the whole answer.
        known: its begin, up to the end of what its body must hold: an answer of the same size that begins so is a good
            one. Empty where more is asked of a body.
        status: its status, which the endpoint takes for good.
        check: of the endpoint.
        needle: what the body must hold.
        simple: nothing else is asked of a body of this length.
    """

    __slots__ = ("_pattern", "check", "head", "known", "needle", "simple", "size", "start", "status")

    def __init__(self, pattern: re.Pattern[bytes], status: int, check: Check) -> None:
        self.head = self.known = b""
        self.start = self.size = 0
        self.status, self.check = status, check
        self.needle, self.simple = check.needle, not check.json
        self._pattern = pattern

    def fits(self, buffer: bytes | bytearray, size: int) -> int:
        """Return where the body begins if the first `size` bytes are one whole answer of this shape; 0 if not."""
        if size == self.size and buffer.startswith(self.head):
            return self.start
        found = self._pattern.match(buffer, 0, size)
        return found.end() if found is not None and found.end() + int(found[1]) == size else 0

    def takes(self, buffer: bytes | bytearray, size: int) -> bool:
        """Return whether the first `size` bytes are one whole good answer of this shape; the next is known by it."""
        start = self.fits(buffer, size)
        if not start or self.check.body(buffer, start, size):
            return False
        if size != self.size or not buffer.startswith(self.head):
            self.note(buffer, start, size)
        return True

    def note(self, answer: bytes | bytearray, start: int, size: int) -> None:
        """Know the next answer by this one, which is good."""
        self.head, self.start, self.size = bytes(answer[:start]), start, size
        needle = answer.find(self.needle, start, size) if self.simple else -1
        self.known = bytes(answer[: needle + len(self.needle)]) if needle >= 0 else b""


def shape_of(answer: bytes, status: int, check: Check) -> Shape | None:
    """Return the shape of a whole answer after which the connection was kept; `None` where it must be parsed each time.

    Only a head with exactly one Content-Length, in the plain form that every server writes, has a shape.
    """
    head, blank, _ = answer[:MOST_HEAD].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    if (
        status in _BODILESS
        or not blank
        or not first.startswith(b"HTTP/1.1 ")
        or re.search(rb"[\r\n\0]", head.replace(b"\r\n", b""))
    ):
        return None
    parts = [re.escape(first)]
    lengths = 0
    for line in lines:
        name, colon, value = line.partition(b":")
        lowered = name.lower()
        if not colon or not _NAME.fullmatch(name) or lowered in _NEVER:
            return None
        if lowered == b"content-length":
            spaces = _LENGTH.fullmatch(value)
            if spaces is None:
                return None
            lengths += 1
            value = spaces[1] + rb"([0-9]{1,8})" + spaces[2]
        else:
            value = re.escape(value) if lowered in _FIXED else _VALUE
        parts.append(re.escape(name) + b":" + value)
    if lengths != 1:
        return None
    pattern = re.compile(b"\r\n".join(parts) + b"\r\n\r\n")
    shape = Shape(pattern, status, check)
    start = shape.fits(answer, len(answer))
    if not start:
        return None
    shape.note(answer, start, len(answer))
    return shape
