"""The verdict of the metrics of a promotion, from the values of each interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ghmlops.core.promotion.constants import METRIC_FAIL_E, METRIC_PASS_E
from ghmlops.core.promotion.metrics.signs import SignProcess, beyond_limit, beyond_margin
from ghmlops.core.promotion.record import MetricRecord
from ghmlops.core.promotion.weights import CANDIDATE, POOL, TWIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.policy.promote import Metric

State = Literal["pass", "fail", "environment", "undecided"]


@dataclass(slots=True, kw_only=True)
class _Course:
    """What the values of one metric showed so far."""

    metric: Metric
    beyond: SignProcess = field(default_factory=SignProcess)
    """Over all rungs: the candidate is beyond its margin or limit."""
    reference_beyond: SignProcess = field(default_factory=SignProcess)
    """The same for the arm beside it, for a limit."""
    within: SignProcess = field(default_factory=SignProcess)
    """In this rung: the candidate is within its margin or limit."""
    missing: int = 0
    """Intervals of this rung without the values that are compared."""
    last: tuple[float | None, float | None] = (None, None)


class MetricJudge:
    """Judges metrics; those with `dry-run` are recorded and decide nothing.

    Args:
        metrics: The metrics of the policy.
        reference: Arm that the candidate is compared with: the twin or the pool.
    """

    def __init__(self, metrics: Sequence[Metric], reference: str) -> None:
        self.reference = reference
        self._courses = {metric.name: _Course(metric=metric) for metric in metrics}
        self._fail = METRIC_FAIL_E * max(1, sum(not metric.dry_run for metric in metrics))

    def start_rung(self) -> None:
        """Begin a new rung: what shows a failure stays, what shows a pass is needed anew."""
        for course in self._courses.values():
            course.within, course.missing = SignProcess(), 0

    def feed(self, name: str, values: Mapping[str, float | None], *, comparable: bool) -> None:
        """Add the values of one interval.

        Args:
            name: Name of the metric.
            values: Arm to its value; `None`, NaN and infinity are missing.
            comparable: Whether the reference has traffic, so that it can be compared with.
        """
        course = self._courses[name]
        metric = course.metric
        candidate, reference = (_finite(values.get(arm)) for arm in (CANDIDATE, self.reference))
        if not comparable:
            reference = None
        course.last = (candidate, reference)
        if metric.limit is not None and candidate is not None:
            beyond = beyond_limit(candidate, metric.limit, metric.direction)
            if reference is not None:
                course.reference_beyond.feed(positive=beyond_limit(reference, metric.limit, metric.direction))
        elif metric.margin is not None and candidate is not None and reference is not None:
            beyond = beyond_margin(candidate, reference, metric.margin, metric.direction)
        else:
            course.missing += comparable or metric.limit is not None
            return
        course.beyond.feed(positive=beyond)
        course.within.feed(positive=not beyond)

    def states(self, *, comparable: bool) -> dict[str, State]:
        """Return the state of every metric that is judged now.

        Args:
            comparable: Whether the reference has traffic; metrics with a margin are not judged without.
        """
        judged = (c for c in self._courses.values() if not c.metric.dry_run)
        return {c.metric.name: self._state(c) for c in judged if comparable or c.metric.limit is not None}

    def counts(self, name: str) -> tuple[int, int]:
        """Return the values so far that were beyond the margin or limit, and all values."""
        course = self._courses[name]
        return course.beyond.positive, course.beyond.signs

    def records(self) -> tuple[MetricRecord, ...]:
        """Return what the values of this rung showed, those of `dry-run` included."""
        return tuple(
            MetricRecord(
                name=course.metric.name,
                judged=not course.metric.dry_run,
                state=self._state(course),
                values=course.within.signs,
                beyond=course.within.signs - course.within.positive,
                missing=course.missing,
                candidate=course.last[0],
                reference=course.last[1],
            )
            for course in self._courses.values()
        )

    def _state(self, course: _Course) -> State:
        if course.beyond.e_value >= self._fail:
            return "environment" if course.reference_beyond.e_value >= METRIC_PASS_E else "fail"
        return "pass" if course.within.e_value >= METRIC_PASS_E else "undecided"


def reference_arm(*, with_twin: bool) -> str:
    """Return the arm that metrics of the candidate are compared with."""
    return TWIN if with_twin else POOL


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
