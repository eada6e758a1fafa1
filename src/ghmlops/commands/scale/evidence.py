"""Content of the evidence of a plan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.evidence import EvidenceContent
from ghmlops.core.details.scale import CapacityRow, CurveRow, DemandRow, ScaleDetails
from ghmlops.core.model import NotMeasured, finite
from ghmlops.core.scale.comparison import compare
from ghmlops.core.scale.findings import DATA, plan_findings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.commands.scale.job import Job
    from ghmlops.commands.scale.surroundings import Surroundings
    from ghmlops.core.scale.comparison import Compared
    from ghmlops.core.scale.plan import Need, Plan


class DemandNeed(NamedTuple):
    """What a demand needs, and its rates in the past."""

    need: Need
    rates: NDArray[np.float64]


def evidence_content(  # noqa: PLR0913  (what the evidence is about)
    job: Job,
    demands: Sequence[DemandNeed],
    plan: Plan,
    around: Surroundings,
    now: float,
    *,
    applied: bool,
    manifests: Mapping[str, str],
) -> EvidenceContent:
    """Return the content of the evidence.

    Args:
        job: what was planned with.
        demands: the demands, and what each needs.
        plan: the plan.
        around: what stood beside the demand.
        now: time of the plan in seconds since the epoch.
        applied: whether the replicas were set.
        manifests: name of a manifest to its YAML.
    """
    present = around.circumstances.present
    needs = [row.need for row in demands]
    compared = _compare(job, demands)
    findings = plan_findings(plan, needs, job.supply, present)
    if job.baseline:
        # The change is judged, and not the replicas that run at this moment.
        findings = [finding for finding in findings if finding.docs == DATA]
        findings += [compared.finding] if compared else []
    return EvidenceContent(
        findings=findings,
        not_measured=_not_measured(job, needs, around),
        details=ScaleDetails(
            evaluated=datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            present=present,
            replicas=plan.replicas,
            required=plan.required,
            step=plan.step.value,
            reason=plan.reason,
            applied=applied,
            usable=usable_rate(job),
            demand=[_demand_row(need) for need in needs],
            capacity=_capacity_rows(job),
            curve=CurveRow(
                rate=job.supply.curve.rate,
                sigma=job.supply.curve.sigma,
                kappa=job.supply.curve.kappa,
                peak=job.supply.curve.peak,
            ),
            comparison=compared.row if compared else None,
            manifests=dict(manifests),
            settings=job.policy,
        ),
    )


def _compare(job: Job, demands: Sequence[DemandNeed]) -> Compared | None:
    """Return the comparison at the largest demand that counts; `None` without a baseline, or without such a demand."""
    counting = [row for row in demands if row.need.rate is not None]
    if not job.baseline or not counting:
        return None
    largest = max(counting, key=lambda row: row.need.rate or 0.0)
    return compare(job.admitted, job.baseline, job.supply, largest.need.rate or 0.0, largest.rates)


def usable_rate(job: Job) -> float:
    """Return the requests per second of one replica with its headroom, at the largest measured count up to the peak."""
    largest = max(job.supply.curve.counts)
    count = min(largest, job.supply.curve.peak or largest)
    return job.supply.curve.capacity(count) / count * (1.0 - job.supply.headroom)


def _demand_row(need: Need) -> DemandRow:
    prediction = need.prediction
    return DemandRow(
        name=need.name,
        rate=finite(need.rate),
        level=finite(prediction.level) if prediction else None,
        peak=finite(prediction.peak) if prediction else None,
        periods=prediction.periods if prediction else 0,
        replicas=need.replicas,
        problem=need.problem.value if need.problem else "",
    )


def _capacity_rows(job: Job) -> list[CapacityRow]:
    return [
        CapacityRow(
            file=file.file,
            replicas=row.measured.replicas,
            low=row.measured.rate,
            high=row.high,
            commit=row.commit,
            machine=row.machine,
            started=row.started,
            differences=list(row.differences),
        )
        for file, row in zip(job.policy.capacity.evidence, job.admitted, strict=True)
    ]


def _not_measured(job: Job, needs: Sequence[Need], around: Surroundings) -> list[NotMeasured]:
    rows = []
    if len(job.supply.curve.counts) == 1:
        count = job.supply.curve.counts[0]
        why = f"the capacity was measured with {count:,} of them, and is taken to grow in proportion"
        rows.append(NotMeasured(what="what replicas share, such as a database", why=why))
    if not job.policy.capacity.machine:
        why = "`scale.capacity.machine` does not name one"
        rows.append(NotMeasured(what="whether the replicas run on a machine like the measured one", why=why))
    for row in job.admitted:
        rows += [NotMeasured(what="the capacity of what runs", why=f"the evidence {d}") for d in row.differences]
    for need in needs:
        if need.prediction and not need.prediction.periods:
            why = "there are too few past periods: the highest interval of the last hour is served"
            rows.append(NotMeasured(what=f"the season of {need.name}", why=why))
    if job.baseline:
        rows.append(NotMeasured(what="the replicas that run", why="two versions are compared, and nothing is set"))
    elif around.unread:
        rows.append(NotMeasured(what="whether `mode: apply` could set the replicas", why=around.unread))
    elif around.service is None:
        rows.append(NotMeasured(what="the replicas that run", why="the policy has no `scale.target`"))
    if job.cold_start is not None and around.circumstances.zero_idle is None:
        why = f"the measured cold start of {job.cold_start:.3g} s is longer than `scale.zero.within`"
        rows.append(NotMeasured(what="zero replicas", why=why))
    return rows
