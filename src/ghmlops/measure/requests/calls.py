"""Builds the calls of a run: for each endpoint, one request per payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError, InputError
from ghmlops.core.load.call import Call
from ghmlops.core.load.template import body_template, fill, path_template
from ghmlops.measure.requests import payloads as payload_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.core.load.template import Template
    from ghmlops.core.policy.latency import Latency, Request
    from ghmlops.measure.requests.payloads import Payloads, ReadLimits

BODILESS = ("GET", "DELETE")
"""Methods that may be sent without a body."""
_ROW = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls that a run can send.

    Attributes:
        calls: All calls, grouped by endpoint, in the order of the payloads.
        endpoint_ranges: For each endpoint, the range of its indices in `calls`.
        truncated_files: Names of the payload files of which only the first rows are sent.
        fingerprints: `sha256:<hex>` of each payload file.
    """

    calls: list[Call]
    endpoint_ranges: list[range]
    truncated_files: list[str]
    fingerprints: dict[str, str]


def read_calls(policy: Latency, locate: Callable[[str], Path], payloads: str = "") -> Calls:
    """Read the payload files and build the call of each row.

    The limits on rows and bytes apply to all endpoints together: each endpoint gets an equal share of the remainder.

    Args:
        policy: The section of the policy that contains the endpoints.
        locate: Returns the path of a payload file for its name in the policy or the input.
        payloads: Payload file that replaces the one of the section; a payload file of an endpoint has precedence.

    Raises:
        DataError: A payload file is unusable, a row lacks the column of a field, or a body cannot be built from it.
        InputError: An endpoint needs payloads and no payload file is configured.
        PolicyError: A template or a path is malformed.
    """
    result = Calls(calls=[], endpoint_ranges=[], truncated_files=[], fingerprints={})
    rows, size = payload_files.MAX_ROWS, payload_files.MAX_BYTES
    for number, endpoint in enumerate(policy.endpoints):
        remaining = len(policy.endpoints) - number
        limits = payload_files.ReadLimits(rows=rows // remaining, size=size // remaining)
        file = endpoint.payloads or payloads or policy.payloads
        start = len(result.calls)
        builder = _CallBuilder(policy, number, endpoint)
        if file:
            content = payload_files.read_payloads(
                locate(file), file, limits, objects=builder.needs_rows, bodies=not endpoint.template
            )
            truncated = _append(result.calls, builder.calls(content), limits, file)
            result.fingerprints[file] = content.fingerprint
            if (truncated or content.truncated) and file not in result.truncated_files:
                result.truncated_files.append(file)
        else:
            result.calls.append(builder.single())
        result.endpoint_ranges.append(range(start, len(result.calls)))
        rows -= len(result.calls) - start
        size -= sum(_size(call) for call in result.calls[start:])
    return result


def row_calls(policy: Latency, number: int, display_name: str) -> Callable[[bytes], Call]:
    """Return a function that builds the call of one endpoint from a row, which is one JSON value.

    The function raises DataError if the row lacks the column of a field, or a body cannot be built from it.

    Args:
        policy: The section of the policy that contains the endpoints.
        number: Index of the endpoint.
        display_name: What the rows are called in messages.

    Raises:
        PolicyError: The template or the path is malformed.
    """
    builder = _CallBuilder(policy, number, policy.endpoints[number])

    def build(row: bytes) -> Call:
        one = payload_files.Payloads(
            bodies=[row],
            rows=[row],
            positions=[1],
            truncated=False,
            fingerprint="",
            display_name=display_name,
            parquet=True,
        )
        return next(builder.calls(one))

    return build


class _CallBuilder:
    """Builds the calls of one endpoint."""

    def __init__(self, policy: Latency, number: int, endpoint: Request) -> None:
        self._policy, self._number, self._endpoint = policy, number, endpoint
        self._path = path_template(endpoint.path)
        self._template: Template | None = body_template(endpoint.template) if endpoint.template else None
        self._json = "json" in endpoint.headers.get("content-type", "").lower()

    @property
    def needs_rows(self) -> bool:
        """Whether fields, or the preset, refer to columns of the payloads by name."""
        return self._template is not None or bool(self._path.fields or self._policy.preset)

    def single(self) -> Call:
        """Return the one call of an endpoint without payloads.

        Raises:
            InputError: The path or the template has a field, or the method needs a body and there is no template.
        """
        endpoint = self._endpoint
        label = f"{endpoint.method} {endpoint.path.partition('?')[0]}"  # A query may contain a secret.
        fields = [*self._path.fields, *(self._template.fields if self._template else ())]
        hint = "pass --payloads, or set `latency.payloads` in the policy"
        if fields:
            raise InputError(f"{label} has the field `{{{{{fields[0]}}}}}`, but no payload file is set", hint=hint)
        if self._template is not None:
            body = self._fill_body(self._template, {}, f"the template of {label}")
            return Call(endpoint=self._number, path=endpoint.path, body=self._apply_preset(body, label))
        if endpoint.method not in BODILESS:
            raise InputError(f"{label} needs request bodies, but no payload file is set", hint=hint)
        return Call(endpoint=self._number, path=endpoint.path, body=None)

    def calls(self, payloads: Payloads) -> Iterator[Call]:
        """Yield a call for each payload.

        A GET or DELETE without a template whose path has fields is sent without a body: its payload is in the path.
        """
        path_only = self._template is None and self._path.fields and self._endpoint.method in BODILESS
        for index in range(len(payloads.positions)):
            location = payloads.location(index)
            row = _ROW.decode(payloads.rows[index]) if self.needs_rows else {}
            path = fill(self._path, row, location).decode() if self._path.fields else self._endpoint.path
            body = None
            if not path_only:
                body = self._fill_body(self._template, row, location) if self._template else payloads.bodies[index]
                body = self._apply_preset(body, location)
            yield Call(endpoint=self._number, path=path, body=body)

    def _fill_body(self, template: Template, row: dict[str, msgspec.Raw], location: str) -> bytes:
        body = fill(template, row, location)
        if self._json:
            try:
                msgspec.json.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise DataError(
                    f"{location}: the filled template is not JSON ({error})",
                    hint="write fields without quotes, since `{{column}}` becomes JSON; or change the content type",
                ) from None
        return body

    def _apply_preset(self, body: bytes, location: str) -> bytes:
        if not self._policy.preset:
            return body
        from ghmlops.core.load import presets

        try:
            return presets.body(self._policy, body)
        except ValueError as error:
            raise DataError(
                f"{location}: {error}", hint=f"see the requirements of `preset: {self._policy.preset}`"
            ) from None


def _append(calls: list[Call], new_calls: Iterator[Call], limits: ReadLimits, file: str) -> bool:
    """Append the calls that are within the limit in bytes; return whether some were left out.

    Raises:
        DataError: The first call alone exceeds the limit.
    """
    size, first = 0, True
    for call in new_calls:
        size += _size(call)
        if size > limits.size:
            if first:
                problem = f"its first filled template is larger than {payload_files.format_size(limits.size)}"
                raise DataError(f"{file}: {problem}", hint="shorten the template or the row")
            return True
        calls.append(call)
        first = False
    return False


def _size(call: Call) -> int:
    return len(call.path) + len(call.body or b"")
