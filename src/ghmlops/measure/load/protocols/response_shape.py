"""Shapes of responses: recognise a response like an earlier one without parsing it again.

Most responses of a service have the head of the previous one, except for a date, an identifier or the length of the
body. A shape stores all bytes of such a head that determine where the response ends and whether the connection is kept
alive; a response that differs in any of them is parsed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.measure.load.checks import Check

MAX_HEAD_BYTES = 8192
"""Responses with a longer head have no shape."""
_FIXED_VALUE = {b"connection", b"keep-alive", b"proxy-connection"}
"""Headers that must have the same value in each response of a shape."""
_NO_SHAPE = {b"transfer-encoding", b"upgrade", b"trailer"}
"""Headers of responses that must be parsed."""
_BODILESS = (204, 304)
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH = re.compile(rb"([ \t]*)[0-9]{1,8}([ \t]*)")


class Shape:
    """The head of the last successful response, and a pattern of heads with the same framing.

    Attributes:
        head: Head of the last successful response.
        start: Index at which its body starts.
        size: Number of bytes of the whole response.
        prefix: Start of the response up to the end of the required text in its body. A response of the same size with
            the same prefix is successful. Empty if other checks look at the body.
        status: HTTP status, which the endpoint expects.
        check: Checks of the endpoint.
        needle: Text that the body must contain.
        simple: True if no JSON value is checked, so that every body of this size that contains the needle passes.
    """

    __slots__ = ("_pattern", "check", "head", "needle", "prefix", "simple", "size", "start", "status")

    def __init__(self, pattern: re.Pattern[bytes], status: int, check: Check) -> None:
        self.head = self.prefix = b""
        self.start = self.size = 0
        self.status, self.check = status, check
        self.needle, self.simple = check.needle, not check.json_checks
        self._pattern = pattern

    def body_start(self, buffer: bytes | bytearray, size: int) -> int:
        """Return the index of the body if the first `size` bytes are one complete response of this shape, else 0."""
        if size == self.size and buffer.startswith(self.head):
            return self.start
        match = self._pattern.match(buffer, 0, size)
        return match.end() if match is not None and match.end() + int(match[1]) == size else 0

    def accepts(self, buffer: bytes | bytearray, size: int) -> bool:
        """Return whether the first `size` bytes are one complete, successful response of this shape."""
        start = self.body_start(buffer, size)
        if not start or self.check.body_error(buffer, start, size):
            return False
        if size != self.size or not buffer.startswith(self.head):
            self.remember(buffer, start, size)
        return True

    def remember(self, response: bytes | bytearray, start: int, size: int) -> None:
        """Store a successful response as the one that the next response is compared with.

        Args:
            response: Buffer that starts with the response.
            start: Index at which its body starts.
            size: Number of bytes of the whole response.
        """
        self.head, self.start, self.size = bytes(response[:start]), start, size
        needle = response.find(self.needle, start, size) if self.simple else -1
        self.prefix = bytes(response[: needle + len(self.needle)]) if needle >= 0 else b""


def derive_shape(response: bytes, status: int, check: Check) -> Shape | None:
    """Return the shape of a complete response whose connection was kept alive; `None` if such responses must be parsed.

    Only a head with exactly one Content-Length, in the plain form that every server writes, has a shape.

    Args:
        response: Head and body.
        status: HTTP status.
        check: Checks of the endpoint.
    """
    head, blank, _ = response[:MAX_HEAD_BYTES].partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    if (
        status in _BODILESS
        or not blank
        or not first.startswith(b"HTTP/1.1 ")
        or re.search(rb"[\r\n\0]", head.replace(b"\r\n", b""))
    ):
        return None
    patterns = [_header_pattern(line) for line in lines]
    lengths = sum(line.lower().startswith(b"content-length:") for line in lines)
    if lengths != 1 or None in patterns:
        return None
    pattern = re.compile(b"\r\n".join([re.escape(first), *filter(None, patterns)]) + b"\r\n\r\n")
    shape = Shape(pattern, status, check)
    start = shape.body_start(response, len(response))
    if not start:
        return None
    shape.remember(response, start, len(response))
    return shape


def _header_pattern(line: bytes) -> bytes | None:
    """Return the pattern of a header line; `None` if responses with this header must be parsed."""
    name, colon, value = line.partition(b":")
    lowered = name.lower()
    if not colon or not _NAME.fullmatch(name) or lowered in _NO_SHAPE:
        return None
    if lowered == b"content-length":
        spaces = _LENGTH.fullmatch(value)
        if spaces is None:
            return None
        return re.escape(name) + b":" + spaces[1] + rb"([0-9]{1,8})" + spaces[2]
    return re.escape(name) + b":" + (re.escape(value) if lowered in _FIXED_VALUE else _VALUE)
