"""The finding about service times: the duet of `latency`, against the baseline and against its twin."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.latency.constants import BLOCK_SIZE, FAIL_E, MIN_PAIRS_TO_FAIL, MIN_PAIRS_TO_PASS, PASS_E
from ghmlops.core.model import Direction, Finding, Interval, Outcome, finite
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS
from ghmlops.core.shadow.times import BASELINE, TWIN, duets, measured_times, timed_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.core.latency.duet import Duet
    from ghmlops.core.policy.latency import LatencyMargin
    from ghmlops.core.shadow.outcome import Run

_DOCS = "actions/shadow/README.md#service-times"


class Change(NamedTuple):
    """Change of a quantile, as ratios of the candidate to all reference arms.

    Attributes:
        estimate: the smallest of the estimates.
        low: no reference arm contradicts a ratio of at least this.
        high: nor one of at most this.
        failed: whether the candidate is shown to be slower than each arm, beyond the margin.
        passed: whether it is shown to be within the safe limit of each.
    """

    estimate: float
    low: float
    high: float
    failed: bool
    passed: bool


def latency_finding(run: Run) -> Finding | None:
    """Return the finding about service times; `None` if no margin is declared and nothing is shown to be slower.

    Without a declared margin a slower candidate warns: response times under load are the subject of `latency`.
    """
    declared = run.policy.margins.latency
    margins = DEFAULT_LATENCY_MARGINS if declared is None else declared
    # Requests of a log are not asked one after another: a mirror can only be compared with another mirror.
    references = () if run.two_logs else (BASELINE, TWIN) if run.policy.access_logs is None else (TWIN,)
    results = duets(run.comparison, margins, references)
    changes = changes_of(results, margins)
    outcome = _outcome(changes)
    if declared is None or (outcome is Outcome.FAIL and not run.slower_fails):
        if outcome is not Outcome.FAIL:
            return None
        outcome = Outcome.WARN
    n = len(timed_requests(run.comparison, (*references, 2))[0])
    worst = next((name for name, change in changes.items() if change.failed), next(iter(margins)))
    change = changes.get(worst)
    values = {row.arm: row.values[worst] for row in measured_times(run.comparison)} if BASELINE in references else {}
    return Finding(
        id="shadow-latency",
        metric="service time",
        outcome=outcome,
        reason=_reason(outcome, changes, margins, n),
        docs=_DOCS,
        description="The candidate does not answer the same requests more slowly than baseline and twin.",
        unit="ratio",
        direction=Direction.LOWER,
        baseline=values.get("baseline"),
        candidate=values.get("candidate"),
        change=None if change is None else _interval(change),
        method=f"duet: e-process on the log ratios of paired blocks of {BLOCK_SIZE} requests, against each arm; "
        f"fails at E >= {FAIL_E:.0f} against all of them, passes at E >= {PASS_E:.0f}; baseline and candidate in ms",
        margin=margins[worst].fail,
        n=n,
    )


def changes_of(results: Sequence[Duet], margins: Mapping[str, LatencyMargin]) -> dict[str, Change]:
    """Return the change of each quantile; empty without a pair of blocks."""
    if not results or not all(duet.pairs for duet in results):
        return {}
    changes = {}
    for name in margins:
        ratios = [duet.ratio(name) for duet in results]
        changes[name] = Change(
            estimate=min(ratio.estimate for ratio in ratios),
            low=min(ratio.low for ratio in ratios),
            high=max(ratio.high for ratio in ratios),
            failed=all(ratio.failed for ratio in ratios),
            passed=all(ratio.passed for ratio in ratios),
        )
    return changes


def _outcome(changes: Mapping[str, Change]) -> Outcome:
    if any(change.failed for change in changes.values()):
        return Outcome.FAIL
    return Outcome.PASS if changes and all(change.passed for change in changes.values()) else Outcome.INCONCLUSIVE


def _interval(change: Change) -> Interval:
    low = finite(change.low - 1) if change.low > 0 else None
    return Interval(estimate=finite(change.estimate - 1), low=low, high=finite(change.high - 1))


def _reason(outcome: Outcome, changes: Mapping[str, Change], margins: Mapping[str, LatencyMargin], n: int) -> str:
    least, enough = MIN_PAIRS_TO_FAIL * BLOCK_SIZE, MIN_PAIRS_TO_PASS * BLOCK_SIZE
    if not changes:
        return f"No block of {BLOCK_SIZE} requests has service times of all arms ({n:,} requests have them)."
    if outcome in (Outcome.FAIL, Outcome.WARN):
        slower = [
            f"{name} by {change.estimate - 1:.0%} (at least {change.low - 1:.0%}, limit {margins[name].fail:.0%})"
            for name, change in changes.items()
            if change.failed
        ]
        return f"The candidate answers the same {n:,} requests more slowly than baseline and twin: {', '.join(slower)}."
    ranges = [f"{name} {change.low - 1:+.0%} to {change.high - 1:+.0%}" for name, change in changes.items()]
    if outcome is Outcome.PASS:
        return f"The service times of {n:,} requests are within their limits: {', '.join(ranges)}."
    return (
        f"The service times of {n:,} requests decide nothing: {', '.join(ranges)}; "
        f"a pass needs at least {enough:,} requests, and a failure {least:,}."
    )
