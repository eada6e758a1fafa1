"""The calls of a run: each endpoint's request, once for each of its payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError, InputError
from ghmlops.core.load.call import Call
from ghmlops.core.load.template import body_template, fill, path_template
from ghmlops.measure.requests import payloads as files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.load.template import Template
    from ghmlops.core.policy.latency import Latency, Request
    from ghmlops.measure.requests.payloads import Payloads

BODILESS = ("GET", "DELETE")
"""Methods that may be sent without payloads."""
_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What can be sent.

    Attributes:
        calls: endpoint by endpoint, in the order of the payloads.
        places: for each endpoint the places of its calls in `calls`.
        cut: names of the payload files of which only the first rows are sent.
        fingerprints: payload file to `sha256:<hex>`.
    """

    calls: list[Call]
    places: list[range]
    cut: list[str]
    fingerprints: dict[str, str]


def read_calls(policy: Latency, folder: Path, payloads: str = "") -> Calls:
    """Read the payload files below `folder` and fill in the requests; `payloads` overrides the section's file.

    The limits on rows and bytes hold for all endpoints together: each gets an equal share of what is left.

    Raises:
        DataError: a payload file cannot be used; a row lacks a field's column, or does not make a body.
        InputError: an endpoint needs payloads and there is no payload file.
        PolicyError: a template or a path cannot be read.
    """
    found = Calls(calls=[], places=[], cut=[], fingerprints={})
    rows, size = files.MAX_ROWS, files.MAX_BYTES
    for number, endpoint in enumerate(policy.endpoints):
        left = len(policy.endpoints) - number
        room = files.Room(rows=rows // left, size=size // left)
        named = endpoint.payloads or payloads or policy.payloads
        start = len(found.calls)
        made = _Endpoint(policy, number, endpoint)
        if named:
            read = files.read_payloads(
                folder / named, named, room, objects=made.needs_rows, bodies=not endpoint.template
            )
            cut = _add(found.calls, made.calls(read), room, named)
            found.fingerprints[named] = read.fingerprint
            if (cut or read.cut) and named not in found.cut:
                found.cut.append(named)
        else:
            found.calls.append(made.single())
        found.places.append(range(start, len(found.calls)))
        rows -= len(found.calls) - start
        size -= sum(_size(call) for call in found.calls[start:])
    return found


class _Endpoint:
    """One endpoint: makes its calls."""

    def __init__(self, policy: Latency, number: int, endpoint: Request) -> None:
        self._policy, self._number, self._endpoint = policy, number, endpoint
        self._path = path_template(endpoint.path)
        self._template: Template | None = body_template(endpoint.template) if endpoint.template else None
        self._json = "json" in endpoint.headers.get("content-type", "").lower()

    @property
    def needs_rows(self) -> bool:
        """True where fields, or the preset, take values from the payloads by name."""
        return self._template is not None or bool(self._path.fields or self._policy.preset)

    def single(self) -> Call:
        """Return the one call of an endpoint without payloads."""
        endpoint = self._endpoint
        shown = f"{endpoint.method} {endpoint.path.partition('?')[0]}"
        fields = [*self._path.fields, *(self._template.fields if self._template else ())]
        hint = "give --payloads, or `latency.payloads` in the policy"
        if fields:
            raise InputError(f"{shown} has the field `{{{{{fields[0]}}}}}`, and no payload file is given", hint=hint)
        if self._template is not None:
            body = self._body(self._template, {}, f"the template of {shown}")
            return Call(endpoint=self._number, path=endpoint.path, body=self._finished(body, shown))
        if endpoint.method not in BODILESS:
            raise InputError(f"{shown} needs request bodies, and no payload file is given", hint=hint)
        return Call(endpoint=self._number, path=endpoint.path, body=None)

    def calls(self, read: Payloads) -> Iterator[Call]:
        """Yield a call for each payload. A GET or DELETE whose path takes its payload has no body."""
        only_path = self._template is None and self._path.fields and self._endpoint.method in BODILESS
        for place in range(len(read.places)):
            where = read.where(place)
            row = _ROW.decode(read.rows[place]) if self.needs_rows else {}
            path = fill(self._path, row, where).decode() if self._path.fields else self._endpoint.path
            body = None
            if not only_path:
                body = self._body(self._template, row, where) if self._template else read.bodies[place]
                body = self._finished(body, where)
            yield Call(endpoint=self._number, path=path, body=body)

    def _body(self, template: Template, row: dict[str, msgspec.Raw], where: str) -> bytes:
        body = fill(template, row, where)
        if self._json:
            try:
                msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise DataError(
                    f"{where}: the filled template is not JSON ({error})",
                    hint="write fields without quotes: `{{column}}` becomes JSON; or change the content-type",
                ) from None
        return body

    def _finished(self, body: bytes, where: str) -> bytes:
        if not self._policy.preset:
            return body
        from ghmlops.core.load import presets

        try:
            return presets.body(self._policy, body)
        except ValueError as error:
            raise DataError(f"{where}: {error}", hint=f"see what `preset: {self._policy.preset}` needs") from None


def _add(calls: list[Call], made: Iterator[Call], room: files.Room, named: str) -> bool:
    """Append the calls that there is room for; True where some are left out."""
    size, first = 0, True
    for call in made:
        size += _size(call)
        if size > room.size:
            if first:
                what = f"its first filled template is larger than {files.show_size(room.size)}"
                raise DataError(f"{named}: {what}", hint="shorten the template or the row")
            return True
        calls.append(call)
        first = False
    return False


def _size(call: Call) -> int:
    return len(call.path) + len(call.body or b"")
