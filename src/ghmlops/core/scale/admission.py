"""Which evidence of a capacity counts for the replicas that run: that of their commit, such a machine, not too old."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.details.capacity import PLAUSIBLE_RATES, CapacityDetails, measured_capacity
from ghmlops.core.errors import EvidenceError
from ghmlops.core.quantities import format_duration
from ghmlops.core.scale.capacity import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.policy.production.scale import CapacityFile, ScaleCapacity


class Source(NamedTuple):
    """An evidence file, as the policy names it, and its content."""

    file: CapacityFile
    evidence: Evidence


class Expected(NamedTuple):
    """What the evidence must be about: full SHA of the commit (empty: unknown), service, and the current time (UTC)."""

    commit: str
    service: str
    now: datetime


class Admitted(NamedTuple):
    """A measured capacity that counts.

    Attributes:
        measured: replicas and requests per second at the low end.
        high: requests per second at the high end; `None` if no rate missed the objectives.
        commit: commit that was measured.
        machine: machine that measured.
        started: start of the measurement, ISO 8601.
        differences: differences that were consented to, in words.
    """

    measured: Measured
    high: float | None
    commit: str
    machine: str
    started: str
    differences: tuple[str, ...] = ()


def admit(sources: Sequence[Source], capacity: ScaleCapacity, expected: Expected) -> list[Admitted]:
    """Return the measured capacities.

    Raises:
        EvidenceError: A file is no evidence of a capacity, or too old, or of another service, commit or machine, and
            the policy does not accept that.
    """
    admitted = [_admit(source, capacity, expected) for source in sources]
    if not same_machine(sources, capacity):
        machines = sorted({row.machine for row in admitted})
        raise EvidenceError(
            f"the capacities were measured on {len(machines)} machines: {'; '.join(machines)}",
            hint="measure all on one machine, or consent by `scale.capacity.accept: other-machine`",
            reason_code="capacity-of-another-machine",
        )
    return admitted


def same_machine(sources: Sequence[Source], capacity: ScaleCapacity) -> bool:
    """Return whether all were measured on one machine, or the policy accepts that they were not."""
    return len({_machine(source.evidence) for source in sources}) < 2 or "other-machine" in capacity.accept


def _machine(evidence: Evidence) -> str:
    return next((part.candidate for part in evidence.provenance.parts if part.kind == "machine"), "")


def _admit(source: Source, capacity: ScaleCapacity, expected: Expected) -> Admitted:
    name, evidence = source.file.file, source.evidence
    provenance = evidence.provenance
    details = evidence.details
    rate = measured_capacity(details)
    if rate is None or not isinstance(details, CapacityDetails):
        raise EvidenceError(
            f"{name} holds no capacity of a replica",
            hint="measure it by `ghmlops capacity`",
            reason_code="capacity-not-measured",
        )
    if provenance.service and expected.service and provenance.service != expected.service:
        raise EvidenceError(
            f"{name} is the capacity of {provenance.service}, and the policy is that of {expected.service}",
            hint="name the evidence of this service",
            reason_code="capacity-of-another-service",
        )
    high = details.result.high
    if high is not None and not rate <= high <= PLAUSIBLE_RATES[1]:
        raise EvidenceError(
            f"{name} has a capacity from {rate:.4g} to {high:.4g} requests per second, which is no interval",
            hint="measure it by `ghmlops capacity`",
            reason_code="capacity-not-measured",
        )
    _check_age(name, provenance.started, capacity.max_age, expected.now)
    machine = _machine(evidence)
    differences = []
    for consent, difference, code in _differences(source, capacity, expected, machine):
        if consent not in capacity.accept:
            raise EvidenceError(
                f"{name} {difference}",
                hint=f"measure it again, or consent by `scale.capacity.accept: {consent}`",
                reason_code=code,
            )
        differences.append(difference)
    return Admitted(
        measured=Measured(source.file.replicas, rate),
        high=high,
        commit=provenance.head_sha,
        machine=machine,
        started=provenance.started,
        differences=tuple(differences),
    )


def _check_age(name: str, started: str, max_age: float, now: datetime) -> None:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        raise EvidenceError(
            f"{name} does not say when it was measured", hint="measure it again", reason_code="capacity-too-old"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    age = (now - moment).total_seconds()
    if age > max_age:
        raise EvidenceError(
            f"{name} is {format_duration(float(round(age)))} old, and `scale.capacity.max-age` is "
            f"{format_duration(max_age)}",
            hint="measure it again",
            reason_code="capacity-too-old",
        )
    if age < -3600.0:
        raise EvidenceError(
            f"{name} was measured in the future, at {started}", hint="is a clock wrong?", reason_code="capacity-too-old"
        )


def _differences(
    source: Source, capacity: ScaleCapacity, expected: Expected, machine: str
) -> list[tuple[str, str, str]]:
    """Return what the policy must consent to: the consent, the difference in words, and its reason code."""
    provenance = source.evidence.provenance
    rows = []
    if not provenance.head_sha:
        rows.append(("other-commit", "does not say which commit was measured", "capacity-of-another-commit"))
    elif expected.commit and provenance.head_sha != expected.commit:
        difference = f"was measured at {provenance.head_sha[:12]}, and {expected.commit[:12]} runs"
        rows.append(("other-commit", difference, "capacity-of-another-commit"))
    if provenance.dirty:
        difference = "was measured with uncommitted changes"
        rows.append(("uncommitted-changes", difference, "capacity-of-another-commit"))
    if capacity.machine and capacity.machine.lower() not in machine.lower():
        difference = (
            f'was measured on "{machine or "an unknown machine"}", and the replicas run on "{capacity.machine}"'
        )
        rows.append(("other-machine", difference, "capacity-of-another-machine"))
    return rows
