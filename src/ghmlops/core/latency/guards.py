"""Guards of a latency run: whether the measurement itself can be trusted.

A guard that is violated has the outcome `error`, and every other finding that would pass or fail is withdrawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.latency.constants import (
    AFFECTED_PER_PAUSED,
    LATE_SECONDS,
    MAX_LATE_BLOCKS,
    MAX_LATE_SENDS,
    MAX_MEDIAN_LATENESS,
    MAX_PAUSED,
    MAX_STOLEN,
    MIN_ACHIEVED,
    SPLIT_P,
    TOLERATED_MEDIAN_LATENESS,
)
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import ERRORS, judge_share
from ghmlops.core.latency.wording import format_share
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.stats import binomial
from ghmlops.core.text.p_value import format_p

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.latency.tally import ArmTally, Tally

DOCS = "actions/latency/README.md#guards"
_PREFIX = "guard-"


def guard_findings(tally: Tally, errors: Finding | None) -> list[Finding]:
    """Return one finding per guard; `errors` is the finding on failed requests, if there is a baseline."""
    findings = [_lateness_finding(tally), _data_finding(tally, errors)]
    return findings if tally.baseline is None else [*findings, _split_finding(tally.baseline, tally.candidate)]


def distrust(findings: list[Finding]) -> list[Finding]:
    """Return `findings`, all except the guards made `inconclusive` if a guard is violated."""
    violated = [f.id for f in findings if f.id.startswith(_PREFIX) and f.outcome is Outcome.ERROR]
    if not violated:
        return findings
    return [
        f
        if f.id.startswith(_PREFIX)
        else msgspec.structs.replace(
            f, outcome=Outcome.INCONCLUSIVE, reason=f"Not judged, because {', '.join(violated)} is violated: {f.reason}"
        )
        for f in findings
    ]


def doubt_objectives(objectives: list[Finding], tally: Tally, allowed: Mapping[str, float]) -> list[Finding]:
    """Return the objectives, failed ones made `inconclusive` if the machine, not the service, may have been slow.

    A failure stands if it is proven without the requests that a pause may have affected.

    Args:
        objectives: One finding per objective, in the order of `allowed`.
        tally: The judged requests.
        allowed: Share of requests that may miss each objective, by its name.
    """
    paused = tally.sends.late / tally.requests if tally.requests else 0.0
    causes = []
    if tally.sends.stolen > MAX_STOLEN:
        causes.append(
            f"{100 * tally.sends.stolen:.1f} % of the CPU time was stolen by other machines "
            f"(at most {format_share(MAX_STOLEN)})"
        )
    if paused > MAX_PAUSED:
        causes.append(
            f"pauses of the machine made {100 * paused:.2f} % of the requests late (at most {format_share(MAX_PAUSED)})"
        )
    if not causes:
        return objectives
    note = f"Not judged, because {' and '.join(causes)}: "
    affected = AFFECTED_PER_PAUSED * (paused + tally.sends.stolen)
    return [
        msgspec.structs.replace(f, outcome=Outcome.INCONCLUSIVE, reason=note + f.reason)
        if f.outcome is Outcome.FAIL and not _proven(name, share, tally, affected)
        else f
        for f, (name, share) in zip(objectives, allowed.items(), strict=True)
    ]


def _proven(name: str, allowed: float, tally: Tally, affected: float) -> bool:
    """Return whether the candidate misses an objective even without the share `affected` of its requests.

    A pause makes a request slow, or lets its time run out; it does not change the status of a response.
    """
    counts = tally.objectives[name]
    excused = math.ceil(affected * counts.n)
    if name == ERRORS:
        excused = min(excused, tally.candidate.kinds.get(Kind.TIMEOUT.label, 0))
    return judge_share(max(counts.missed - excused, 0), counts.n, allowed) is Outcome.FAIL


def _guard(name: str, description: str, *, problem: str, summary: str, n: int) -> Finding:
    return Finding(
        id=f"{_PREFIX}{name}",
        metric=name,
        description=description,
        outcome=Outcome.ERROR if problem else Outcome.PASS,
        reason=(problem or summary) + ".",
        docs=DOCS,
        n=n,
    )


def lateness(tally: Tally) -> dict[str, float]:
    """Return how well the generator kept its schedule.

    Returns:
        `late`, `late_blocks` and `achieved` as shares; `p50`, `p99` and `max` of the lateness in seconds.
    """
    sends, n = tally.sends, tally.requests
    if not n:
        return dict.fromkeys(("p50", "p99", "max"), math.inf) | {"late": 1.0, "late_blocks": 1.0, "achieved": 0.0}
    # A single late block of several is a pause of the machine.
    several = sends.late_blocks > 1 or sends.blocks == 1
    return {
        "late": sends.late / n,
        "late_blocks": sends.late_blocks / sends.blocks if several else 0.0,
        "achieved": sends.achieved / n,
        "p50": sends.lateness.quantile(0.5) / 1e9,
        "p99": sends.lateness.quantile(0.99) / 1e9,
        "max": sends.lateness.maximum / 1e9,
    }


def _lateness_finding(tally: Tally) -> Finding:
    values = lateness(tally)
    late, blocks, median = values["late"], values["late_blocks"], values["p50"]
    limit = max(TOLERATED_MEDIAN_LATENESS, MAX_MEDIAN_LATENESS * _faster_median(tally))
    counts = f"the generator sent {100 * late:.2f} % of the requests more than {LATE_SECONDS * 1e3:.0f} ms late"
    problem = ""
    if blocks > MAX_LATE_BLOCKS or late > MAX_LATE_SENDS:
        limits = f"{format_share(MAX_LATE_SENDS)} and {format_share(MAX_LATE_BLOCKS)}"
        problem = f"The generator was the limit: it sent {100 * late:.2f} % of the requests more than "
        problem += f"{LATE_SECONDS * 1e3:.0f} ms late, in {100 * blocks:.0f} % of the blocks; {limits} are allowed"
    elif values["achieved"] < MIN_ACHIEVED:
        problem = (
            f"The generator was the limit: it sent only {100 * values['achieved']:.2f} % of the offered requests in "
        )
        problem += f"time, less than the {format_share(MIN_ACHIEVED)} required"
    elif median > limit:
        problem = f"The generator was the limit: its median lateness was {median * 1e3:.2f} ms, more than the "
        problem += f"{limit * 1e3:.2f} ms allowed (a quarter of the median response time)"
    summary = f"{counts[0].upper()}{counts[1:]}; its median lateness was {median * 1e3:.2f} ms"
    return _guard("lateness", "The generator keeps its schedule.", problem=problem, summary=summary, n=tally.requests)


def _faster_median(tally: Tally) -> float:
    """Return the median response time of the faster arm in seconds; infinite unless both arms answered."""
    if tally.baseline is None or not (tally.baseline.ok and tally.candidate.ok):
        return math.inf
    return min(arm.distributions["response-time"].quantile(0.5) for arm in (tally.baseline, tally.candidate)) / 1e9


def _data_finding(tally: Tally, errors: Finding | None) -> Finding:
    n, missing = tally.requests, tally.missing
    unsent = sum(arm.kinds.get(Kind.UNSENT.label, 0) for arm in tally.arms.values())
    # Failed requests explain missing blocks; then the error ratio is the finding that judges them.
    explained = errors is not None and errors.outcome is Outcome.FAIL
    problem = ""
    if not n:
        problem = "Nothing was measured: no block of requests was completed"
    elif unsent:
        problem = f"{unsent:,} requests were not sent within the time limit"
    elif missing and not explained:
        problem = f"{missing} pairs of blocks have too few responses on both arms to be compared"
    summary = f"All {n:,} requests per arm have a result"
    if missing and explained:
        summary += f"; {missing} pairs of blocks lack responses because requests failed, which `error-ratio` judges"
    return _guard("data", "No block of requests is missing answers.", problem=problem, summary=summary, n=n)


def _split_finding(baseline: ArmTally, candidate: ArmTally) -> Finding:
    first, second = baseline.offered, candidate.offered
    p = binomial.p_even_split(first, second)
    counts = f"The baseline was offered {first:,} requests and the candidate {second:,}"
    return _guard(
        "split",
        "Both arms are offered the same load.",
        problem=f"{counts}, not the same load ({format_p('exact binomial p', p)})" if p < SPLIT_P else "",
        summary=counts,
        n=first + second,
    )
