"""What a plan can decide, in sentences: for `policy check`, and for the first seconds of a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.core.latency.constants import BLOCK_SIZE, MIN_PAIRS_TO_FAIL
from ghmlops.core.latency.objectives import allowed_shares, sample_floor
from ghmlops.core.latency.planning.detectable import (
    detectable,
    pilot_dispersion,
    plan_pairs,
    typical_dispersion,
)
from ghmlops.core.latency.wording import format_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.latency.duet import Duet
    from ghmlops.core.latency.planning.detectable import Detectable
    from ghmlops.core.policy.latency import Latency, LatencyMargin

MIN_PAIRS = {"p50": MIN_PAIRS_TO_FAIL, "p95": MIN_PAIRS_TO_FAIL, "p99": MIN_PAIRS_TO_FAIL + 1}
"""Pairs of blocks below which no difference, however large, can fail; the p99 has no stake as large as the others."""
_ROUND_TO = 5.0
"""Seconds to which a proposed duration is rounded up."""


def plan_lines(latency: Latency) -> list[str]:
    """Return what the plan of a policy can decide: the comparison with a baseline, then each objective it cannot show.

    Nothing is said about a plan whose number of requests only a recording or a ramp determines.
    """
    arrivals = latency.arrivals
    if arrivals.trace is not None:
        return []
    if arrivals.auto:
        return ["latency plan: a ramp determines the rate, and thereby what the plan can detect"]
    requests, pairs = int(arrivals.rate * arrivals.duration + 1e-9), plan_pairs(arrivals)
    return [_comparison_line(latency, requests, pairs), *_objective_lines(latency, requests)]


def _comparison_line(latency: Latency, requests: int, pairs: int) -> str:
    never = [name for name, least in MIN_PAIRS.items() if pairs < least]
    if never:
        # An extension doubles the plan, except that of demand which changes over time.
        blocks = max(MIN_PAIRS[name] for name in never)
        blocks = blocks if latency.arrivals.shaped else math.ceil(blocks / 2)
        return (
            f"latency plan: {requests:,} requests per arm can never decide {_listed(never)} against a baseline; "
            f"{_longer(latency, blocks * BLOCK_SIZE)}"
        )
    rows = detectable(pairs, latency.margins, typical_dispersion())
    extension = "" if latency.arrivals.shaped else " (with the extension)"
    return (
        f"latency plan: {pairs:,} pairs of blocks{extension} detect {_changes(rows)} against a baseline in 90 % of the "
        "runs, with the noise of a shared runner"
    )


def _objective_lines(latency: Latency, requests: int) -> list[str]:
    floors = {name: sample_floor(share) for name, share in allowed_shares(latency.slo).items()}
    return [
        f"latency plan: {requests:,} requests can never show the objective {name}, which needs {floor:,}; "
        f"{_longer(latency, floor)}"
        for name, floor in floors.items()
        if floor > requests
    ]


def _longer(latency: Latency, requests: int) -> str:
    seconds = math.ceil(requests / latency.arrivals.rate / _ROUND_TO) * _ROUND_TO
    return f"make `duration` {seconds:.0f}s"


def pilot_line(duet: Duet, pairs: int, margins: Mapping[str, LatencyMargin]) -> str:
    """Return what a run can still detect with the noise that its first pairs show.

    Args:
        duet: The paired verdict after the first pairs, at least two.
        pairs: Number of pairs of the plan and its extension.
        margins: Margins of the policy by quantile.
    """
    rows = detectable(pairs, margins, pilot_dispersion(duet))
    undecided = [name for name, row in rows.items() if not row.passes]
    line = f"with the noise of the first {duet.pairs} pairs of blocks, this run detects {_changes(rows)}"
    if not undecided:
        return line
    needed = max((row.pairs or 0 for row in rows.values()), default=0)
    enough = all(row.pairs for row in rows.values())
    advice = f"; equal arms need about {needed * BLOCK_SIZE:,} requests per arm" if enough else ""
    return f"{line}, and may not be able to show that {_listed(undecided)} did not change{advice}"


def _changes(rows: Mapping[str, Detectable]) -> str:
    parts = [
        f"{format_change(row.change)} at {name}" if row.change is not None else f"no change at {name}"
        for name, row in rows.items()
    ]
    return _listed(parts)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
