"""The parts of the evidence of a latency run besides its findings: measurements, what was not measured, details."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.latency import DuetDetails, EndpointArm, EndpointDetails, FailureKind, LogEvidence
from ghmlops.core.details.load_runs import Punctuality
from ghmlops.core.latency.constants import BLOCK_SIZE, MAX_BUFFERED, MAX_PAIRS, RARE, VALUES
from ghmlops.core.latency.duet import planned_pairs, robust_sd
from ghmlops.core.latency.findings import duet_of
from ghmlops.core.latency.guards import lateness
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import sample_floor
from ghmlops.core.model import Measurement, NotMeasured, finite
from ghmlops.core.policy.objectives import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.details.latency import Failures
    from ghmlops.core.histograms.exact_histogram import Distribution
    from ghmlops.core.latency.tally import Endpoint, Tally
    from ghmlops.core.policy.latency import Latency

_UNITS = {"tokens-per-second": ("tokens/s", 1e3)}
_MILLISECONDS = ("ms", 1e6)
"""Unit of a measurement, and the divisor that converts the integers of its distribution to it."""


def measurements(tally: Tally) -> list[Measurement]:
    """Return the measurements of each arm over its successful requests: times in ms, rates in tokens per second."""
    rows = []
    for name, arm in tally.arms.items():
        for measurement_id, values in arm.distributions.items():
            unit, divisor = _UNITS.get(measurement_id, _MILLISECONDS)
            summary = percentiles(values, divisor)
            rows.append(Measurement(id=measurement_id, arm=name, unit=unit, n=values.n, values=summary))
    return rows


def percentiles(values: Distribution, divisor: float) -> dict[str, float | None]:
    """Return mean, percentiles and maximum, divided by `divisor`; `None` if there are too few values."""
    enough = values.n >= sample_floor(1 - OBJECTIVES[RARE])
    statistics = {"mean": values.mean}
    statistics |= {name: values.quantile(q) for name, q in OBJECTIVES.items() if name != RARE or enough}
    statistics |= {"max": float(values.maximum)} if values.n else {}
    return {name: _rounded(statistics[name] / divisor if name in statistics else None) for name in VALUES}


def _rounded(value: float | None) -> float | None:
    number = finite(value)
    return None if number is None else round(number, 4)


def not_measured(tally: Tally, policy: Latency) -> list[NotMeasured]:
    """Return what a reader could assume was checked although it was not."""
    rows = []
    if tally.baseline is None:
        rows.append(NotMeasured(what="latency against a baseline", why="no address of a baseline was given"))
    if policy.slo.empty:
        rows.append(NotMeasured(what="objectives on the candidate", why="the policy's `latency` has no `slo`"))
    return [
        *rows,
        *_missing_values(tally),
        *_missing_trials(tally),
        *_buffered_gaps(tally),
        *_unplanned_requests(tally, policy),
    ]


def _missing_values(tally: Tally) -> list[NotMeasured]:
    rows = []
    floor = sample_floor(1 - OBJECTIVES[RARE])
    for name, arm in tally.arms.items():
        if arm.ok < floor:
            why = f"it requires {floor:,} successful requests, and {arm.ok:,} were"
            rows.append(NotMeasured(what=f"{RARE} of the {name}", why=why))
        if failed := tally.requests - arm.ok:
            why = f"they failed and are not part of the {name}'s measurements; the findings count them"
            rows.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    return rows


def _missing_trials(tally: Tally) -> list[NotMeasured]:
    why = "no second token arrived, so there was no gap" if tally.candidate.ok else "there was no response"
    if tally.candidate.buffered:
        why = "their tokens arrived all at once (does a proxy buffer the answer?), so that their gaps are unknown"
        if tally.candidate.buffered > MAX_BUFFERED * tally.candidate.ok:
            why += "; they are too many for the gaps of the others to represent the run"
    reasons = {True: "they consist of reasoning only", False: why}
    return [
        NotMeasured(
            what=f"objective {name} on {tally.requests - share.n:,} requests",
            why=reasons[name.startswith("first-output-token-")],
        )
        for name, share in tally.objectives.items()
        if tally.requests > share.n
    ]


def _buffered_gaps(tally: Tally) -> list[NotMeasured]:
    return [
        NotMeasured(
            what=f"token gaps of {arm.buffered:,} responses of the {name}",
            why="their tokens arrived all at once; does the service or a proxy buffer the answer?",
        )
        for name, arm in tally.arms.items()
        if arm.buffered
    ]


def _unplanned_requests(tally: Tally, policy: Latency) -> list[NotMeasured]:
    """Return the requests of the policy's duration beyond the maximum of the paired verdict."""
    total = int(policy.arrivals.rate * policy.arrivals.duration + 1e-9)
    planned = tally.planned_pairs * BLOCK_SIZE
    if not tally.planned_pairs or tally.full_schedule or planned_pairs(total) != MAX_PAIRS or total <= planned:
        return []
    why = f"the paired verdict uses at most {MAX_PAIRS} pairs of blocks, {planned:,} requests per arm"
    return [NotMeasured(what=f"{total - planned:,} requests of the policy's duration", why=why)]


def duet_details(tally: Tally, policy: Latency, *, extended: bool) -> DuetDetails:
    """Return the log ratios of all blocks in order, and how the paired verdict was reached."""
    duet = duet_of(tally, policy.margins)
    ratios = {name: duet.ratio(name) for name in duet.log_ratios} if duet.pairs else {}
    statistics = {**duet.log_ratios, **duet.other_statistics}
    return DuetDetails(
        decision=duet.decision or "undecided",
        pairs=duet.pairs,
        decided_at_pair=duet.decided_at or None,
        extended=extended,
        blocks_without_enough_answers=tally.missing,
        blocks=duet.windows,
        lasting_noise=_rounded(duet.persistence),
        log_ratios={name: [round(value, 6) for value in values] for name, values in statistics.items()},
        spread_of_log_ratios={name: round(robust_sd(values), 6) for name, values in duet.log_ratios.items()},
        log_e={
            name: LogEvidence(failing=_rounded(ratio.log_e_fail), passing=_rounded(ratio.log_e_pass))
            for name, ratio in ratios.items()
        },
    )


def failure_details(tally: Tally, examples: Mapping[str, Mapping[str, str]]) -> Failures:
    """Return, for each arm and kind of failure, the number of judged requests and the first example of the run.

    Args:
        tally: The judged requests.
        examples: Message of the first failure by arm and `Kind.label`.
    """
    status = Kind.STATUS.label
    return {
        name: {
            kind: FailureKind(
                count=count,
                example=examples.get(name, {}).get(kind, ""),
                codes=dict(sorted(arm.statuses.items())) if kind == status else {},
            )
            for kind, count in arm.kinds.items()
            if kind != Kind.OK.label
        }
        for name, arm in tally.arms.items()
    }


def generator_details(tally: Tally) -> Punctuality:
    """Return how well the generator kept its schedule."""
    values = lateness(tally)
    return Punctuality(
        late_share=_rounded(values["late"]),
        late_blocks_share=_rounded(values["late_blocks"]),
        achieved_share=_rounded(values["achieved"]),
        lateness_p50_ms=_rounded(values["p50"] * 1e3),
        lateness_p99_ms=_rounded(values["p99"] * 1e3),
        lateness_max_ms=_rounded(values["max"] * 1e3),
    )


def endpoint_details(tally: Tally, policy: Latency) -> list[EndpointDetails]:
    """Return, for each endpoint of a mix, its requests, failures and response times (ms) on each arm."""
    return [
        EndpointDetails(
            endpoint=endpoint.name or f"{endpoint.method} {endpoint.public_path}",
            baseline=None if tally.baseline is None else _endpoint_arm(tally.baseline.endpoints[index]),
            candidate=_endpoint_arm(tally.candidate.endpoints[index]),
        )
        for index, endpoint in enumerate(policy.mix)
    ]


def _endpoint_arm(endpoint: Endpoint) -> EndpointArm:
    return EndpointArm(
        requests=endpoint.requests,
        failed=endpoint.requests - endpoint.response.n,
        response_time_ms=percentiles(endpoint.response, 1e6),
    )
