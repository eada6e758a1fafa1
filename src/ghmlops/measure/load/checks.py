"""What makes an answer a good one: the policy's `expect`, compiled once for each endpoint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import PolicyError
from ghmlops.core.latency.answers import Kind

if TYPE_CHECKING:
    from ghmlops.core.policy.latency import Expect, JsonCheck

SHOWN = 120
"""Bytes of a body in an example."""
_STEP = re.compile(r"(?P<key>[^.\[\]]+)|\[(?P<place>[0-9]{1,9})\]")
_NOWHERE = object()


class Check:
    """The good statuses and the body checks of one endpoint; the first that is missed is told."""

    __slots__ = ("_largest", "_smallest", "_statuses", "asks", "json", "needle")

    def __init__(self, expect: Expect) -> None:
        """Compile `expect`.

        Raises:
            PolicyError: the path of a JSON check cannot be read.
        """
        self._statuses = frozenset(expect.status)
        self.needle = expect.contains.encode()
        self._smallest, self._largest = expect.smallest, expect.largest
        self.json = [_JsonPlace(check) for check in expect.json]
        self.asks = bool(self.needle or self.json or self._smallest or self._largest is not None)
        """True where the body matters."""

    def status(self, status: int, retry_after: str = "") -> tuple[Kind, str]:
        """Return how an answer with `status` ends, and what to say of one that is not good."""
        if status in self._statuses if self._statuses else 200 <= status < 300:
            return Kind.OK, ""
        if 300 <= status < 400:
            return Kind.REDIRECT, "redirects are not followed: "
        if status == 429 or (status == 503 and retry_after):
            told = f"Retry-After: {_printable(retry_after[:40])}: " if retry_after else ""
            return Kind.THROTTLED, told
        return Kind.STATUS, f"expected status {self._listed()}: " if self._statuses else ""

    def body(self, body: bytes | bytearray, start: int = 0, stop: int = -1) -> str:
        """Return what `body[start:stop]` misses, "" where it is good; `stop` -1 is its end."""
        if stop < 0:
            stop = len(body)
        size = stop - start
        if size < self._smallest or (self._largest is not None and size > self._largest):
            upper = "" if self._largest is None else f" and at most {self._largest}"
            return f"expected a body of at least {self._smallest}{upper} bytes, got {size}"
        if self.needle and body.find(self.needle, start, stop) < 0:
            return f'expected the body to contain "{_printable(self.needle)}", got {shown(body[start:stop])}'
        return self._misses(bytes(body[start:stop])) if self.json else ""

    def _misses(self, body: bytes) -> str:
        try:
            value = msgspec.json.decode(body)
            return next((missed for place in self.json if (missed := place.misses(value))), "")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return f"expected JSON, got {shown(body)}"

    def _listed(self) -> str:
        return " or ".join(str(code) for code in sorted(self._statuses))


class _JsonPlace:
    """One place of a JSON answer, and what it must hold."""

    __slots__ = ("_equals", "_path", "_pattern", "_steps")

    def __init__(self, check: JsonCheck) -> None:
        self._path, self._steps = check.path, json_steps(check.path)
        self._pattern = re.compile(check.matches) if check.matches else None
        self._equals = check.equals

    def misses(self, value: object) -> str:
        for step in self._steps:
            value = _inside(value, step)
            if value is _NOWHERE:
                return f"expected `{self._path}` in the JSON answer, and it is not there"
        if self._pattern is None:
            good, wanted = same(value, self._equals), f"to equal {self._equals}"
        else:
            text = value if isinstance(value, str) else _spelled(value)
            good, wanted = self._pattern.search(text) is not None, f"to match {self._pattern.pattern}"
        return "" if good else f"expected `{self._path}` {wanted}, got {_spelled(value)[:SHOWN]}"


def json_steps(path: str) -> tuple[str | int, ...]:
    """Return the keys and list places of a dotted path: `outputs[0].name` -> ("outputs", 0, "name").

    Raises:
        PolicyError: it is none.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        dotted = at > 0 and path[at] == "."
        found = _STEP.match(path, at + dotted)
        if found is None or (at > 0 and dotted != bool(found["key"])):
            steps.clear()
            break
        steps.append(found["key"] or int(found["place"]))
        at = found.end()
    if not steps:
        hint = "keys with dots between them, list places in brackets: `outputs[0].name`"
        raise PolicyError(f"`expect.json`: `{path}` is not the path of a JSON value", hint=hint)
    return tuple(steps)


def _inside(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step, _NOWHERE) if isinstance(value, dict) else _NOWHERE
    return value[step] if isinstance(value, list) and step < len(value) else _NOWHERE


def same(value: object, wanted: str) -> bool:
    """True where `value` of an answer is what the policy spells as `wanted`.

    Text is compared as it is, numbers by value (`1` is `1.0`), and `true`, `false` and `null` by name.
    """
    if isinstance(value, str):
        return value == wanted
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = msgspec.json.decode(wanted.strip(), type=int | float)
        except (msgspec.DecodeError, UnicodeError):
            return False
        return bool(value == number)
    return value is None or isinstance(value, bool) if _spelled(value) == wanted else False


def shown(body: bytes | bytearray) -> str:
    """Return the begin of `body` for people, quoted."""
    return '"' + _printable(bytes(body[:SHOWN])) + ('"' if len(body) <= SHOWN else '…"')


def _spelled(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _printable(text: bytes | str) -> str:
    found = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in found)
