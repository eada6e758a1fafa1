"""Values that every stage exchanges: outcomes, findings and measurements.

Everything is frozen. Numbers are finite or `None`, never NaN; `finite` is the one place that ensures it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Outcome(StrEnum):
    """What a finding, an evidence file or a verdict says; worst first."""

    ERROR = "error"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    PASS = "pass"  # noqa: S105  (a word, not a password)

    @property
    def severity(self) -> int:
        """4 for `error` down to 0 for `pass`."""
        return _SEVERITY[self]


_SEVERITY = {outcome: 4 - place for place, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of `outcomes`; none at all is `inconclusive`, because nothing was shown."""
    return max(outcomes, key=lambda o: o.severity, default=Outcome.INCONCLUSIVE)


class Direction(StrEnum):
    """Which way a metric improves. `target` means: any move away from the baseline is harm."""

    HIGHER = "higher-is-better"
    LOWER = "lower-is-better"
    TARGET = "closer-is-better"


class Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every value that is written to a file."""


class Interval(Frozen, frozen=True, kw_only=True):
    """An estimate with its interval, in the unit of the finding; a bound is `None` where it is unbounded or unknown."""

    estimate: float | None = None
    low: float | None = None
    high: float | None = None


class Finding(Frozen, frozen=True, kw_only=True):
    """One judged statement: what was compared, where, by how much, against which limit, and what follows.

    `id` is a kebab-case rule name from this project's code, safe to print anywhere. `dataset`, the keys and values of
    `slice` and parts of `reason` come from the user's data and are escaped where they are rendered.
    """

    id: str
    metric: str
    outcome: Outcome
    reason: str
    docs: str
    """Path in this repository with an anchor, e.g. `actions/latency/README.md#the-verdict`."""
    description: str = ""
    """One line: what this rule looks at."""
    dataset: str = ""
    slice: dict[str, str | int | float | bool | None] = {}
    window: str | None = None
    """ISO 8601 date or time at which the window starts (UTC)."""
    unit: str = ""
    direction: Direction | None = None
    baseline: float | None = None
    candidate: float | None = None
    change: Interval | None = None
    method: str = ""
    margin: float | None = None
    """The limit of the judgement in the unit of `change`; for an objective, the objective itself."""
    n: int | None = None


class Measurement(Frozen, frozen=True, kw_only=True):
    """Numbers that were measured and shown, judged or not. `arm` is `baseline` or `candidate`."""

    id: str
    arm: str
    unit: str
    n: int
    values: dict[str, float | None]


class NotMeasured(Frozen, frozen=True, kw_only=True):
    """Something a reader could believe was checked, and was not."""

    what: str
    why: str


def finite(value: float | None) -> float | None:
    """Return `value` as a float, or `None` where it is missing, NaN or infinite."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def conclude(findings: Iterable[Finding]) -> tuple[Outcome, str, str]:
    """Sum up findings as (outcome, reason code, reason): as bad as the worst one, which gives the reason.

    No finding at all is `inconclusive` with the code `nothing-measured`.
    """
    ranked = sorted(findings, key=lambda f: -f.outcome.severity)
    if not ranked:
        return Outcome.INCONCLUSIVE, "nothing-measured", "Nothing was measured, so nothing can be concluded."
    first = ranked[0]
    if first.outcome is Outcome.PASS:
        return Outcome.PASS, "all-passed", f"All {len(ranked)} findings passed."
    same = sum(1 for f in ranked if f.outcome is first.outcome)
    more = f" ({same - 1} more like it)" if same > 1 else ""
    return first.outcome, first.id, first.reason + more


def failed(outcome: Outcome, fail_on: Outcome) -> bool:
    """True where `outcome` is at or beyond `fail_on`."""
    return outcome.severity >= fail_on.severity
