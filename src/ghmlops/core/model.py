"""Values that every stage exchanges: outcomes, findings and measurements.

Everything is frozen. Numbers are finite or `None`, never NaN; `finite` is the one place that ensures it.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_NAMED = 6
"""Metrics or rules that the reason of a passing verdict names."""


class Outcome(StrEnum):
    """Result of a finding, an evidence file or a verdict; worst first."""

    ERROR = "error"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    WARN = "warn"
    PASS = "pass"  # noqa: S105  (not a password)

    @property
    def severity(self) -> int:
        """Rank of the outcome: 4 for `error` down to 0 for `pass`."""
        return _SEVERITY[self]


_SEVERITY = {outcome: 4 - index for index, outcome in enumerate(Outcome)}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst of `outcomes`; `inconclusive` without any, because nothing was shown."""
    return max(outcomes, key=lambda o: o.severity, default=Outcome.INCONCLUSIVE)


class Direction(StrEnum):
    """Direction in which a metric improves; with `TARGET` every move away from the baseline is a regression."""

    HIGHER = "higher-is-better"
    LOWER = "lower-is-better"
    TARGET = "closer-is-better"


class Frozen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every value that is written to a file; unknown fields are refused."""


class Interval(Frozen, frozen=True, kw_only=True):
    """An estimate with its interval, in the unit of the finding; a bound is `None` if it is infinite or unknown."""

    estimate: float | None = None
    low: float | None = None
    high: float | None = None


class Finding(Frozen, frozen=True, kw_only=True):
    """One judged statement: what was compared, where, by how much, against which limit, and the outcome.

    `id` is the kebab-case name of a rule in this project's code and safe to print anywhere. `dataset`, the keys and
    values of `slice` and parts of `reason` come from the user's data and are escaped when they are rendered.
    """

    id: str
    metric: str
    outcome: Outcome
    reason: str
    docs: str
    """Path in this repository with an anchor, e.g. `actions/latency/README.md#the-verdict`."""
    description: str = ""
    """What the rule tests, in one line."""
    dataset: str = ""
    slice: dict[str, str | int | float | bool | None] = {}
    window: str | None = None
    """Start of the window, ISO 8601 date or time (UTC)."""
    unit: str = ""
    direction: Direction | None = None
    baseline: float | None = None
    candidate: float | None = None
    change: Interval | None = None
    loss: Interval | None = None
    """Growth of the distance from the ideal value, positive if worse; only if the limit applies to it instead of
    `change` (bias: distance from 0, calibration slope: distance from 1)."""
    method: str = ""
    margin: float | None = None
    """Limit of the test in the unit of `change`; for an objective, the objective itself."""
    n: int | None = None
    confirmed: bool | msgspec.UnsetType = msgspec.UNSET
    """`false` for a failure that no second run confirms as one of this change: the baseline misses the same limit."""


class Measurement(Frozen, frozen=True, kw_only=True):
    """Measured numbers, judged or not. `arm` is `baseline` or `candidate`."""

    id: str
    arm: str
    unit: str
    n: int
    values: dict[str, float | None]


class NotMeasured(Frozen, frozen=True, kw_only=True):
    """Something that a reader could believe was tested, and was not."""

    what: str
    why: str


def finite(value: float | None) -> float | None:
    """Return `value` as a float, or `None` if it is missing, NaN or infinite."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def conclude(findings: Iterable[Finding]) -> tuple[Outcome, str, str]:
    """Return (outcome, reason code, reason) of all findings: as bad as the worst one, which gives the reason.

    Without findings it is `inconclusive` with the code `nothing-measured`.
    """
    ranked = sorted(findings, key=lambda f: -f.outcome.severity)
    if not ranked:
        return Outcome.INCONCLUSIVE, "nothing-measured", "Nothing was measured, so nothing can be concluded."
    first = ranked[0]
    if first.outcome is Outcome.PASS:
        return Outcome.PASS, "all-passed", _pass_reason(ranked)
    others = sum(1 for f in ranked if f.outcome is first.outcome) - 1
    more = f" ({others} more with this outcome)" if others else ""
    return first.outcome, first.id, first.reason + more


def _pass_reason(findings: Sequence[Finding]) -> str:
    """Return a sentence that names what was compared, or else which rules passed."""
    metrics = list(dict.fromkeys(finding.metric for finding in findings if finding.change))
    names = metrics or list(dict.fromkeys(finding.id for finding in findings))
    omitted = len(names) - MAX_NAMED
    listed = ", ".join(names[:MAX_NAMED]) + (f" and {omitted} more" if omitted > 0 else "")
    total = "the only finding" if len(findings) == 1 else f"all {len(findings):,} findings"
    if metrics:
        return f"No regression found in {listed}; {total} passed."
    return f"{total[0].upper()}{total[1:]} passed: {listed}."


def failed(outcome: Outcome, fail_on: Outcome) -> bool:
    """Return whether `outcome` is as bad as `fail_on` or worse."""
    return outcome.severity >= fail_on.severity
