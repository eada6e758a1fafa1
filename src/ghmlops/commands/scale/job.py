"""Everything that `scale` plans with: the policy, the capacity, and the commit whose replicas run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.provenance import local_commit
from ghmlops.core.context import is_sha
from ghmlops.core.errors import EvidenceError, InputError, PolicyError, nearest
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.policy.production.scale import CapacityFile, Manifest, ScaledDeployment
from ghmlops.core.scale.admission import Admitted, Expected, Source, admit, same_machine
from ghmlops.core.scale.capacity import fit
from ghmlops.core.scale.plan import Supply
from ghmlops.core.steps.step import short

if TYPE_CHECKING:
    from ghmlops.commands.scale.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.production.scale import Scale

MODES = ("plan", "apply")
MAX_START = 86_400.0
"""Seconds that the start of a service may have taken; a longer one comes from no measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is planned.

    Attributes:
        service: the service of the policy.
        environment: the environment whose promotions count.
        policy: the section `scale`.
        supply: what serves the demand.
        admitted: the measured capacities, in the order of the policy.
        cold_start: measured seconds until a started replica is ready; `None` if no evidence is named.
        applies: whether the replicas are set.
        baseline: measured capacity of the baseline; empty if it is not compared.
        lock_max_age: seconds after which the lock of a promotion counts as left behind; `None` without promotions.
        watched: the policy whose schedule of `watch` is looked at; `None` if two versions are compared.
    """

    service: str
    environment: str
    policy: Scale
    supply: Supply
    admitted: list[Admitted]
    cold_start: float | None
    applies: bool
    baseline: list[Admitted]
    lock_max_age: float | None
    watched: Policy | None

    @property
    def names(self) -> Manifest | None:
        """Names in the manifests; `None` without a Deployment."""
        target = self.policy.target
        if isinstance(target, ScaledDeployment):
            return Manifest(deployment=target.deployment, namespace=target.namespace)
        return self.policy.manifest


def read_job(inputs: Inputs, services: Services) -> Job:
    """Read the policy and the evidence.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is invalid, or has no section `scale`.
        EvidenceError: The evidence of the capacity or of the cold start is missing, or does not count.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    scale = policy.scale
    if scale is None:
        raise PolicyError(f"{inputs.policy} has no section `scale`", hint="add one: `scale: {capacity: ...}`")
    if inputs.mode and inputs.mode not in MODES:
        raise InputError(f'input `mode`: "{short(inputs.mode, 80)}" is not valid', hint=nearest(inputs.mode, MODES))
    mode = inputs.mode or scale.mode
    if mode == "apply" and scale.target is None:
        raise PolicyError(f"{inputs.policy}: `mode: apply` needs `scale.target`", hint="name what has replicas")
    admitted = read_capacity(scale.capacity.evidence, inputs, services, scale, policy.service)
    return Job(
        service=policy.service,
        environment=inputs.environment or policy.gate.environment,
        policy=scale,
        supply=Supply(curve=fit([row.measured for row in admitted]), headroom=scale.headroom, limits=scale.limits),
        admitted=admitted,
        cold_start=_cold_start(scale, services),
        applies=mode == "apply" and not inputs.baseline_capacity,
        baseline=_baseline(inputs, services, scale, policy.service),
        lock_max_age=policy.promote.lock.max_age if policy.promote else None,
        watched=None if inputs.baseline_capacity else policy,
    )


def read_capacity(
    files: tuple[CapacityFile, ...], inputs: Inputs, services: Services, scale: Scale, service: str
) -> list[Admitted]:
    """Return the measured capacities that count for the commit whose replicas run.

    Raises:
        InputError: The commit is no full SHA.
        EvidenceError: A file is missing, or does not count.
    """
    if inputs.commit and not is_sha(inputs.commit):
        raise InputError(
            f'input `commit`: expected a full SHA, got "{short(inputs.commit, 80)}"', hint="pass the deployed commit"
        )
    commit = inputs.commit or local_commit(services)
    sources = [Source(file, read_evidence_file(services, file.file)) for file in files]
    return admit(sources, scale.capacity, Expected(commit, service, services.now()))


def _baseline(inputs: Inputs, services: Services, scale: Scale, service: str) -> list[Admitted]:
    """Return the measured capacity of the baseline; empty if none is named.

    Raises:
        InputError: It cannot be compared with several capacities of the candidate.
        EvidenceError: The file is missing, or does not count: it must be of the machine of the candidate.
    """
    if not inputs.baseline_capacity:
        return []
    if len(scale.capacity.evidence) > 1:
        raise InputError(
            "input `baseline-capacity`: the policy names several capacities of the candidate",
            hint="name one file in `scale.capacity.evidence` to compare",
        )
    (first,) = scale.capacity.evidence
    candidate = Source(first, read_evidence_file(services, first.file))
    file = CapacityFile(file=inputs.baseline_capacity, replicas=first.replicas)
    baseline = Source(file, read_evidence_file(services, file.file))
    # The commit of the baseline is that of the pull request, if the runner names one.
    expected = Expected(services.context.base_sha, service, services.now())
    (admitted,) = admit([baseline], scale.capacity, expected)
    if not same_machine([candidate, baseline], scale.capacity):
        raise EvidenceError(
            f"{file.file} and {first.file} were measured on different machines",
            hint="measure both in one job, or consent by `scale.capacity.accept: other-machine`",
            reason_code="capacity-of-another-machine",
        )
    return [admitted]


def read_evidence_file(services: Services, name: str) -> Evidence:
    """Return an evidence file.

    Raises:
        EvidenceError: It is missing, or no evidence.
    """
    from ghmlops.measure.evidence import decode, read_bounded

    return decode(read_bounded(services.cwd / name, name), Evidence, EVIDENCE_SCHEMA, name)


def _cold_start(scale: Scale, services: Services) -> float | None:
    if scale.zero is None:
        return None
    name = scale.zero.cold_start
    evidence = read_evidence_file(services, name)
    values = [row.values.get("seconds") for row in evidence.measurements if row.id == "startup-time"]
    if evidence.command != "preview" or not values or values[0] is None or not 0.0 <= values[0] <= MAX_START:
        raise EvidenceError(
            f"{name} holds no measured start of a service",
            hint="measure it by `ghmlops preview`",
            reason_code="cold-start-not-measured",
        )
    return values[0]
