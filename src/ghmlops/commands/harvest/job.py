"""What `harvest` takes: the section of the policy, the time and the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.commands.shared.policy_file import load_policy
from ghmlops.commands.shared.production.evaluation_time import evaluation_time
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.measure.checkout import fingerprint

if TYPE_CHECKING:
    from ghmlops.commands.harvest.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.production.harvest import Harvest


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The section of the policy, service and environment, the time in seconds since the epoch, and the seed."""

    policy: Harvest
    service: str
    environment: str
    now: float
    seed: int
    golden_digest: str
    """Fingerprint of the golden set; empty if there is none yet."""
    watched: Policy | None
    """The policy whose schedule of `watch` is looked at; `None` if the harvest is one of the past."""


def read_job(inputs: Inputs, services: Services) -> Job:
    """Read the policy and the inputs.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is invalid, or has no section `harvest`.
    """
    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    if policy.harvest is None:
        raise PolicyError(f"{inputs.policy} has no section `harvest`", hint="add one: `harvest: {traffic: {...}}`")
    return Job(
        policy=policy.harvest,
        service=policy.service,
        environment=inputs.environment or policy.gate.environment,
        now=_now(inputs, services),
        seed=inputs.seed or 0,
        golden_digest=_golden_digest(policy.harvest, services),
        watched=None if inputs.now.strip() else policy,
    )


def _golden_digest(policy: Harvest, services: Services) -> str:
    path = services.cwd / policy.golden.file if policy.golden else None
    return fingerprint(path) if path is not None and path.is_file() else ""


def _now(inputs: Inputs, services: Services) -> float:
    now = evaluation_time(inputs.now, services)
    if inputs.now.strip() and (inputs.retrain or inputs.propose) and not inputs.dry_run:
        name = "retrain" if inputs.retrain else "propose"
        raise InputError(
            f"input `now`: nothing is started in the past, and `{name}` is true",
            hint=f"leave `now` empty, or set `{name}` to false",
        )
    return now
