"""Compiles the policy's `expect` into checks of a response: its status, size, text and JSON values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.kind import Kind

if TYPE_CHECKING:
    from ghmlops.core.policy.latency import Expect, JsonCheck

EXCERPT_BYTES = 120
"""Maximum number of bytes of a body that are quoted in an example."""
_STEP = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<index>[0-9]{1,9})\]")
_MISSING = object()


class Check:
    """The expected statuses and the body checks of one endpoint.

    Attributes:
        needle: Text that the body must contain; empty if none is required.
        json_checks: Checks of single JSON values.
        reads_body: True if any check looks at the body.
    """

    __slots__ = ("_max_size", "_min_size", "_statuses", "json_checks", "needle", "reads_body")

    def __init__(self, expect: Expect) -> None:
        """Compile `expect`.

        Raises:
            PolicyError: The path of a JSON check is malformed.
        """
        self._statuses = frozenset(expect.status)
        self.needle = expect.contains.encode()
        self._min_size, self._max_size = expect.smallest, expect.largest
        self.json_checks = [_JsonValueCheck(check) for check in expect.json]
        self.reads_body = bool(self.needle or self.json_checks or self._min_size or self._max_size is not None)

    def classify_status(self, status: int, retry_after: str = "") -> tuple[Kind, str]:
        """Return how a response with `status` ends, and the start of its example if it is a failure."""
        if status in self._statuses if self._statuses else 200 <= status < 300:
            return Kind.OK, ""
        if 300 <= status < 400:
            return Kind.REDIRECT, "redirects are not followed: "
        if status == 429 or (status == 503 and retry_after):
            return Kind.THROTTLED, f"Retry-After: {_printable(retry_after[:40])}: " if retry_after else ""
        return Kind.STATUS, f"expected status {self._status_list()}: " if self._statuses else ""

    def body_error(self, body: bytes | bytearray, start: int = 0, stop: int = -1) -> str:
        """Return the first check that `body[start:stop]` fails, as a sentence; "" if it passes all of them.

        Args:
            body: The body, or a buffer that contains it.
            start: Index of the first byte of the body in the buffer.
            stop: Index after the last byte; -1 for the end of the buffer.
        """
        if stop < 0:
            stop = len(body)
        size = stop - start
        if size < self._min_size or (self._max_size is not None and size > self._max_size):
            upper = "" if self._max_size is None else f" and at most {self._max_size}"
            return f"expected a body of at least {self._min_size}{upper} bytes, got {size}"
        if self.needle and body.find(self.needle, start, stop) < 0:
            return f'expected the body to contain "{_printable(self.needle)}", got {excerpt(body[start:stop])}'
        return self._json_error(bytes(body[start:stop])) if self.json_checks else ""

    def _json_error(self, body: bytes) -> str:
        try:
            value = msgspec.json.decode(body)
            return next((error for check in self.json_checks if (error := check.error(value))), "")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return f"expected JSON, got {excerpt(body)}"

    def _status_list(self) -> str:
        return " or ".join(str(code) for code in sorted(self._statuses))


class _JsonValueCheck:
    """Check of the value at one path of a JSON response."""

    __slots__ = ("_equals", "_path", "_pattern", "_steps")

    def __init__(self, check: JsonCheck) -> None:
        self._path, self._steps = check.path, json_steps(check.path)
        self._pattern = re.compile(check.matches) if check.matches else None
        self._equals = check.equals

    def error(self, value: object) -> str:
        for step in self._steps:
            value = _child(value, step)
            if value is _MISSING:
                return f"expected `{self._path}` in the JSON response, which does not contain it"
        if self._pattern is None:
            passed, condition = equals_text(value, self._equals), f"to equal {self._equals}"
        else:
            text = value if isinstance(value, str) else _json_text(value)
            passed, condition = self._pattern.search(text) is not None, f"to match {self._pattern.pattern}"
        return "" if passed else f"expected `{self._path}` {condition}, got {_json_text(value)[:EXCERPT_BYTES]}"


def json_steps(path: str) -> tuple[str | int, ...]:
    """Return the keys and list indices of a dotted path: `outputs[0].name` -> ("outputs", 0, "name").

    Raises:
        PolicyError: The path is malformed.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        dot = position > 0 and path[position] == "."
        match = _STEP.match(path, position + dot)
        # A dot precedes each key but the first one, and never an index.
        if match is None or (position > 0 and dot != bool(match["key"])):
            steps.clear()
            break
        steps.append(match["key"] or int(match["index"]))
        position = match.end()
    if not steps:
        hint = "separate keys by dots and write list indices in brackets: `outputs[0].name`"
        raise PolicyError(f"`expect.json`: `{path}` is not the path of a JSON value", hint=hint)
    return tuple(steps)


def _child(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step, _MISSING) if isinstance(value, dict) else _MISSING
    return value[step] if isinstance(value, list) and step < len(value) else _MISSING


def equals_text(value: object, text: str) -> bool:
    """Return whether a JSON value equals what the policy writes as `text`.

    Strings are compared literally, numbers by value (`1` equals `1.0`), and `true`, `false` and `null` by name. Lists
    and objects equal nothing.
    """
    if isinstance(value, str):
        return value == text
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = msgspec.json.decode(text.strip(), type=int | float)
        except (msgspec.DecodeError, UnicodeError):
            return False
        return bool(value == number)
    return value is None or isinstance(value, bool) if _json_text(value) == text else False


def excerpt(body: bytes | bytearray) -> str:
    """Return the start of `body` as quoted, printable text."""
    return '"' + _printable(bytes(body[:EXCERPT_BYTES])) + ('"' if len(body) <= EXCERPT_BYTES else '…"')


def _json_text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _printable(text: bytes | str) -> str:
    decoded = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in decoded)
