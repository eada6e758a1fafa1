"""What a latency run leaves for people beside its findings: percentiles, what was not measured, tables. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.details.latency import (
    DuetDetails,
    EndpointArm,
    EndpointDetails,
    FailureKind,
    LogEvidence,
    Punctuality,
)
from ghmlops.core.latency.answers import Kind
from ghmlops.core.latency.duet import BLOCK, CAP, planned_pairs, spread
from ghmlops.core.latency.findings import duet_of, lateness
from ghmlops.core.latency.objectives import sample_floor
from ghmlops.core.model import Measurement, NotMeasured, finite
from ghmlops.core.policy.objectives import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.details.latency import Failures
    from ghmlops.core.histograms.exact_histogram import Spread
    from ghmlops.core.latency.tally import Endpoint, Tally
    from ghmlops.core.policy.latency import Latency

RARE = "p99.9"
"""The percentile that is only told from enough answers: `sample_floor` of its share."""


_UNITS = {"tokens-per-second": ("tokens/s", 1e3)}
_MILLISECONDS = ("ms", 1e6)
"""Unit of a measurement, and by how much its spread's whole numbers are divided for it."""


def measurements(tally: Tally) -> list[Measurement]:
    """Return what was measured of each arm over its good answers: times in ms, tokens a second."""
    found = []
    for name, arm in tally.arms.items():
        for what, values in arm.spreads.items():
            unit, divisor = _UNITS.get(what, _MILLISECONDS)
            found.append(Measurement(id=what, arm=name, unit=unit, n=values.n, values=percentiles(values, divisor)))
    return found


def percentiles(values: Spread, divisor: float) -> dict[str, float | None]:
    """Return mean, percentiles and maximum; `None` where there are too few values to say."""
    enough = values.n >= sample_floor(1 - OBJECTIVES[RARE])
    found = {"mean": values.mean}
    found |= {name: values.quantile(q) for name, q in OBJECTIVES.items() if name != RARE or enough}
    found |= {"max": float(values.largest)} if values.n else {}
    wanted = ("mean", *OBJECTIVES, "max")
    return {name: _rounded(found[name] / divisor if name in found else None) for name in wanted}


def _rounded(value: float | None) -> float | None:
    known = finite(value)
    return None if known is None else round(known, 4)


def not_measured(tally: Tally, policy: Latency) -> list[NotMeasured]:
    """Return what a reader could believe was checked, and was not."""
    found = []
    floor = sample_floor(1 - OBJECTIVES[RARE])
    if tally.baseline is None:
        found.append(NotMeasured(what="latency against a baseline", why="no baseline address was given"))
    if policy.slo.empty:
        found.append(NotMeasured(what="objectives on the candidate", why="the policy's `latency` has no `slo`"))
    for name, arm in tally.arms.items():
        if arm.ok < floor:
            why = f"{arm.ok:,} whole answers, {floor:,} are needed"
            found.append(NotMeasured(what=f"{RARE} of the {name}", why=why))
        if failed := tally.requests - arm.ok:
            why = f"they failed and are in no percentile of the {name}'s measurements; findings count them"
            found.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    for name, share in tally.objectives.items():
        if left_out := tally.requests - share.n:
            why = "no second token came, so that there was no gap" if tally.candidate.ok else "nothing was answered"
            found.append(NotMeasured(what=f"objective {name} on {left_out:,} requests", why=why))
    wanted = int(policy.arrivals.rate * policy.arrivals.duration + 1e-9)
    planned = tally.planned_pairs * BLOCK
    if tally.planned_pairs and not tally.whole and planned_pairs(wanted) == CAP and wanted > planned:
        why = f"a duet takes at most {CAP} pairs of blocks, {planned:,} requests an arm"
        found.append(NotMeasured(what=f"{wanted - planned:,} requests of the policy's duration", why=why))
    return found


def duet_details(tally: Tally, policy: Latency, *, extended: bool) -> DuetDetails:
    """Return the log ratios of all blocks in order, and how the paired verdict came about."""
    duet = duet_of(tally, policy.margins)
    ratios = {name: duet.ratio(name) for name in duet.logs} if duet.pairs else {}
    return DuetDetails(
        decision=duet.decision or "undecided",
        pairs=duet.pairs,
        decided_at_pair=duet.decided_at or None,
        extended=extended,
        blocks_without_enough_answers=tally.missing,
        log_ratios={name: [round(d, 6) for d in logs] for name, logs in {**duet.logs, **duet.tail}.items()},
        spread_of_log_ratios={name: round(spread(logs), 6) for name, logs in duet.logs.items()},
        log_e={
            name: LogEvidence(failing=_rounded(ratio.log_e_fail), passing=_rounded(ratio.log_e_pass))
            for name, ratio in ratios.items()
        },
    )


def failure_details(tally: Tally, examples: Mapping[str, Mapping[str, str]]) -> Failures:
    """Return, for each arm and kind of failure, the number of judged requests and the first example of the run.

    Args:
        tally: the judged requests.
        examples: by arm and `Kind.label`, the first failure's message.
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
    seen = lateness(tally)
    return Punctuality(
        late_share=_rounded(seen["late"]),
        late_blocks_share=_rounded(seen["late_blocks"]),
        achieved_share=_rounded(seen["achieved"]),
        lateness_p50_ms=_rounded(seen["p50"] * 1e3),
        lateness_p99_ms=_rounded(seen["p99"] * 1e3),
        lateness_max_ms=_rounded(seen["max"] * 1e3),
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
