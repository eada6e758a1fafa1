"""Details of the evidence of `scale`: the demand, the capacity, the plan, and the manifests."""

from __future__ import annotations

from ghmlops.core.model import Frozen
from ghmlops.core.policy.production.scale import Scale


class DemandRow(Frozen, frozen=True, kw_only=True):
    """One demand.

    Attributes:
        name: name in the policy.
        rate: requests per second to serve; `None` if the demand does not count.
        level: mean of the last hour in requests per second; `None` for a fixed rate, or if it does not count.
        peak: highest recent interval.
        periods: past periods that the forecast rests on; 0 without a season.
        replicas: replicas for it; `None` if it does not count, or if no number carries it.
        problem: why it does not count; empty if it does.
    """

    name: str
    rate: float | None
    level: float | None
    peak: float | None
    periods: int
    replicas: int | None
    problem: str


class CapacityRow(Frozen, frozen=True, kw_only=True):
    """One measured capacity: replicas, requests per second (low and high end), commit, machine and time."""

    file: str
    replicas: int
    low: float
    high: float | None
    commit: str
    machine: str
    started: str
    differences: list[str]


class CurveRow(Frozen, frozen=True, kw_only=True):
    """Fitted capacity over replicas: requests per second of one, contention, coherency, and the peak."""

    rate: float
    sigma: float
    kappa: float
    peak: int | None


class ComparisonRow(Frozen, frozen=True, kw_only=True):
    """Replicas of baseline and candidate for the same demand.

    Attributes:
        baseline_commit: commit of the baseline.
        demand: requests per second that both serve.
        baseline: replicas of the baseline at its low capacity; `None` if no number carries the demand.
        candidate: replicas of the candidate at its low capacity; `None` as above.
        least: replicas of the candidate at its high capacity, less those of the baseline: what is shown at least;
            `None` if no rate of the candidate missed the objectives.
        hours: additional replica-hours per day; `None` if one of them does not carry the demand.
    """

    baseline_commit: str
    demand: float
    baseline: int | None
    candidate: int | None
    least: int | None
    hours: float | None


class ScaleDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="scale"):
    """Details of the evidence of `scale`.

    Attributes:
        evaluated: time of the plan, ISO 8601.
        present: replicas that should run before; `None` if it is not known.
        replicas: replicas of the plan; `None` if nothing is known.
        required: replicas that the demand needs, before limits and steps.
        step: why the plan has its number.
        reason: the same in words.
        applied: whether the replicas were set.
        usable: requests per second of one replica with its headroom.
        demand: one row per demand.
        capacity: one row per evidence.
        curve: the fitted capacity.
        comparison: replicas of baseline and candidate; `None` without a capacity of the baseline.
        manifests: name of a manifest to its YAML.
        settings: the section `scale`.
    """

    evaluated: str
    present: int | None
    replicas: int | None
    required: int | None
    step: str
    reason: str
    applied: bool
    usable: float
    demand: list[DemandRow]
    capacity: list[CapacityRow]
    curve: CurveRow
    comparison: ComparisonRow | None = None
    manifests: dict[str, str]
    settings: Scale
