"""The calls of a run: each endpoint's request, once for each of its payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.calls import Call
from ghmlops.core.errors import InputError
from ghmlops.measure.payloads import read_payloads

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.policy import Latency

BODILESS = ("GET", "DELETE")
"""Methods that may be sent without payloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What can be sent.

    Attributes:
        calls: endpoint by endpoint, in the order of the payloads.
        places: for each endpoint the places of its calls in `calls`.
        cut: names of the payload files of which only the first rows were read.
        fingerprints: payload file to `sha256:<hex>`.
    """

    calls: list[Call]
    places: list[range]
    cut: list[str]
    fingerprints: dict[str, str]


def read_calls(policy: Latency, folder: Path, payloads: str = "") -> Calls:
    """Read the payload files below `folder` and fill in the requests; `payloads` overrides the section's file.

    Raises:
        DataError: a payload file cannot be used.
        InputError: an endpoint's method needs bodies and there is no payload file.
    """
    found = Calls(calls=[], places=[], cut=[], fingerprints={})
    for number, endpoint in enumerate(policy.endpoints):
        named = endpoint.payloads or payloads or policy.payloads
        start = len(found.calls)
        if named:
            read = read_payloads(folder / named, named)
            found.calls.extend(Call(endpoint=number, path=endpoint.path, body=body) for body in read.bodies)
            found.fingerprints[named] = read.fingerprint
            if read.cut:
                found.cut.append(named)
        elif endpoint.method in BODILESS:
            found.calls.append(Call(endpoint=number, path=endpoint.path, body=None))
        else:
            shown = f"{endpoint.method} {endpoint.path.partition('?')[0]}"
            raise InputError(
                f"{shown} needs request bodies, and no payload file is given",
                hint="give --payloads, or `latency.payloads` in the policy",
            )
        found.places.append(range(start, len(found.calls)))
    return found
