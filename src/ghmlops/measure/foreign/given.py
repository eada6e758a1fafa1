"""What readers share: what the user told beside the file, bounded numbers, strict JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec

from ghmlops.core.errors import DataError, InputError
from ghmlops.core.histograms.hlog import UNITS
from ghmlops.core.latency.external_results import MAX_REQUESTS
from ghmlops.core.model import NotMeasured

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_REQUESTS)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=3_600_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3_600)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=3_600_000_000_000)]
CLOSED_LOOP = NotMeasured(
    what="waiting before the send (coordinated omission)",
    why="the times begin at the actual send, and the file does not say whether sends were held back by slow answers",
)
NO_ENDPOINTS = NotMeasured(
    what="response times by endpoint", why="the file sums up all requests of the run, whatever they asked for"
)
"""For files that do not even say how many endpoints there were."""

OWN_RULE = NotMeasured(
    what="answers with a status that only the policy calls bad",
    why="the file counts failures by the tool's own rule, in which 2xx and 3xx are good",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the user told.

    Attributes:
        unit: of times in a file that does not tell it, of `UNITS`; empty: not given.
        failed: failed requests, where the file does not count them.
        statuses: good statuses by the policy; empty: any 2xx.
    """

    unit: str = ""
    failed: int | None = None
    statuses: tuple[int, ...] = ()

    def good(self, status: int) -> bool:
        """Return whether an answer of this status is a good one."""
        return status in self.statuses if self.statuses else 200 <= status <= 299

    def told(self, told_unit: str) -> str:
        """Return the unit the file tells, or else the one that was given.

        Raises:
            InputError: neither is known, or they differ.
        """
        if self.unit and self.unit not in UNITS:
            raise InputError(f"input `unit`: {self.unit[:40]!r} is not known", hint=f"one of {', '.join(UNITS)}")
        if not (told_unit or self.unit):
            raise InputError("the file does not tell the unit of its times", hint="give --unit ns, us, ms or s")
        if told_unit and self.unit and told_unit != self.unit:
            raise InputError(f"the times of this file are in {told_unit}, not {self.unit}", hint="leave --unit out")
        return told_unit or self.unit

    def nothing_given(self, tool: str) -> None:
        """Refuse what was given where the file tells it itself.

        Raises:
            InputError: `unit` or `failed` was given.
        """
        for name, value in (("unit", self.unit or None), ("failed", self.failed)):
            if value is not None:
                raise InputError(f"input `{name}`: the file of {tool} tells it itself", hint=f"leave --{name} out")


def parse(data: bytes, kind: type[T], tool: str) -> T:
    """Decode JSON strictly as `kind`.

    Raises:
        DataError: it is not JSON, nested too deeply, or does not fit.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unfit(error, tool) from None


def fit(value: Any, kind: type[T], tool: str) -> T:  # noqa: ANN401  (any part of a JSON document)
    """Convert a part of decoded JSON to `kind`.

    Raises:
        DataError: it does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _unfit(error, tool) from None


def _unfit(error: Exception, tool: str) -> DataError:
    said = " ".join(str(error).split())[:200]
    return DataError(f"not readable as results of {tool}: {said}", hint="is it the whole file, and that tool's?")
