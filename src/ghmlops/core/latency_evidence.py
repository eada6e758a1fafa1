"""What a latency run leaves for people beside its findings: percentiles, what was not measured, tables. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.answers import Answers, Kind
from ghmlops.core.duet import CAP, planned_pairs, quantile, spread
from ghmlops.core.latency_findings import lateness
from ghmlops.core.model import Measurement, NotMeasured, finite
from ghmlops.core.objectives import sample_floor
from ghmlops.core.policy import OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ghmlops.core.latency import Judge, Plan
    from ghmlops.core.latency_findings import Run
    from ghmlops.core.policy import Latency

    Floats = NDArray[np.float64]

RARE = "p99.9"
"""The percentile that is only told from enough answers: `sample_floor` of its share."""


def arms(run: Run) -> Iterator[tuple[str, Answers]]:
    """Yield each arm's name and answers, the baseline first."""
    if run.baseline is not None:
        yield "baseline", run.baseline
    yield "candidate", run.candidate


def measurements(run: Run) -> list[Measurement]:
    """Return response time, service time and lateness of each arm in ms, over its whole 2xx answers."""
    found = []
    for name, answers in arms(run):
        ok = answers.ok
        columns = {
            "response-time": answers.response[ok],
            "service-time": answers.service[ok],
            "lateness": (answers.sent - answers.scheduled)[ok],
        }
        for what, seconds in columns.items():
            values = percentiles(seconds * 1e3)
            found.append(Measurement(id=what, arm=name, unit="ms", n=len(seconds), values=values))
    return found


def percentiles(values: Floats) -> dict[str, float | None]:
    """Return mean, percentiles and maximum; `None` where there are too few values to say."""
    ordered = np.sort(values)
    n = len(ordered)
    enough = n >= sample_floor(1 - OBJECTIVES[RARE])
    found = {"mean": float(ordered.mean()) if n else math.nan}
    found |= {name: quantile(ordered, q) for name, q in OBJECTIVES.items() if name != RARE or enough}
    found |= {"max": float(ordered[-1]) if n else math.nan}
    wanted = ("mean", *OBJECTIVES, "max")
    return {name: _rounded(found.get(name)) for name in wanted}


def _rounded(value: float | None) -> float | None:
    known = finite(value)
    return None if known is None else round(known, 4)


def not_measured(run: Run, plan: Plan, policy: Latency) -> list[NotMeasured]:
    """Return what a reader could believe was checked, and was not."""
    found = []
    floor = sample_floor(1 - OBJECTIVES[RARE])
    if run.baseline is None:
        found.append(NotMeasured(what="latency against a baseline", why="no baseline address was given"))
    if not policy.slo.quantiles and policy.slo.errors is None:
        found.append(NotMeasured(what="objectives on the candidate", why="the policy's `latency` has no `slo`"))
    for name, answers in arms(run):
        answered = int(answers.ok.sum())
        if answered < floor:
            why = f"{answered:,} whole answers, {floor:,} are needed"
            found.append(NotMeasured(what=f"{RARE} of the {name}", why=why))
        if failed := len(answers) - answered:
            why = f"they failed and are in no percentile of the {name}'s measurements; findings count them"
            found.append(NotMeasured(what=f"response times of {failed:,} requests", why=why))
    wanted = int(policy.arrivals.rate * policy.arrivals.duration + 1e-9)
    if plan.pairs and planned_pairs(wanted) == CAP and wanted > plan.planned:
        why = f"a duet takes at most {CAP} pairs of blocks, {plan.planned:,} requests an arm"
        found.append(NotMeasured(what=f"{wanted - plan.planned:,} requests of the policy's duration", why=why))
    return found


def duet_details(judge: Judge) -> dict[str, Any]:
    """Return the log ratios of all blocks in order, and how the verdict came about."""
    duet = judge.duet
    used = duet.pairs > 0
    return {
        "decision": duet.decision or "undecided",
        "pairs": duet.pairs,
        "decided_at_pair": duet.decided_at or None,
        "extended": judge.extended,
        "blocks_without_enough_answers": judge.missing,
        "log_ratios": {name: [round(d, 6) for d in logs] for name, logs in duet.logs.items()},
        "spread_of_log_ratios": {name: round(spread(logs), 6) for name, logs in duet.logs.items()},
        "log_e": {
            name: {"fail": _rounded(duet.ratio(name).log_e_fail), "pass": _rounded(duet.ratio(name).log_e_pass)}
            for name in duet.logs
            if used
        },
    }


def failure_details(run: Run, examples: dict[str, dict[Kind, str]]) -> dict[str, Any]:
    """Return, for each arm and kind of failure, the count in the judged requests and the run's first example."""
    found: dict[str, Any] = {}
    for name, answers in arms(run):
        codes, counts = np.unique(answers.status[answers.kind == Kind.STATUS], return_counts=True)
        kinds = {kind: answers.count([kind]) for kind in Kind if kind is not Kind.OK}
        found[name] = {
            kind.label: {"count": count, "example": examples[name].get(kind, "")}
            for kind, count in kinds.items()
            if count
        }
        if len(codes):
            found[name]["status"]["codes"] = {str(code): int(n) for code, n in zip(codes, counts, strict=True)}
    return found


def generator_details(run: Run) -> dict[str, Any]:
    """Return how well the generator kept its schedule, in ms and shares."""
    seen = lateness(run)
    return {
        "late_share": _rounded(seen["late"]),
        "late_blocks_share": _rounded(seen["late_blocks"]),
        "achieved_share": _rounded(seen["achieved"]),
        **{f"lateness_{name}_ms": _rounded(seen[name] * 1e3) for name in ("p50", "p99", "max")},
    }
