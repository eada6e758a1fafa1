"""Which policies judge a change: that of the baseline's commit and that of the change; the worse result counts."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.shared.policy_file import REVIEWED_EVENTS
from ghmlops.core.errors import PolicyError
from ghmlops.core.text.plain_name import HEAD_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.commands.check.job import Job
    from ghmlops.commands.shared.trusted_inputs import TrustedInputs
    from ghmlops.core.pillars import Pillar
    from ghmlops.core.policy.document import Policy


@contextlib.contextmanager
def trusted_job(job: Job) -> Iterator[Job]:
    """Yield the job with a work tree of the baseline's commit, which is removed at the end; unchanged without one.

    Raises:
        GitError: The commit cannot be fetched.
    """
    from ghmlops.act.git.worktree import worktree
    from ghmlops.commands.shared.trusted_inputs import TrustedInputs
    from ghmlops.measure.checkout import top_folder

    services = job.services
    top = top_folder(services.cwd)
    if not job.base or top is None:
        yield job
        return
    with worktree(services.cwd, job.base, environ=services.environ, temp=services.context.temp) as root:
        trusted = TrustedInputs(root=root.resolve(), top=top)
        yield dataclasses.replace(
            job,
            services=dataclasses.replace(services, trusted=trusted),
            base_policy=_read_base_policy(job, trusted),
        )


def head_leg(leg: str) -> str:
    """Return the leg of what the policy of the change judges."""
    return f"{leg}-{HEAD_POLICY}" if leg else HEAD_POLICY


def judging_jobs(job: Job) -> list[tuple[Job, tuple[Pillar, ...]]]:
    """Return one job per policy that judges, with the pillars that it judges.

    The policy of the baseline's commit judges in the leg of the run, so that a change cannot remove evidence that the
    gate requires. That of the change judges what it configures differently, in a separate leg.
    """
    base = _base_job(job)
    if base is None:
        return [(job, job.pillars)]
    differing = tuple(pillar for pillar in job.pillars if not _same_rules(base, job, pillar))
    head = dataclasses.replace(job, inputs=msgspec.structs.replace(job.inputs, leg=head_leg(job.inputs.leg)))
    return [(base, base.pillars), *([(head, differing)] if differing else [])]


def _base_job(job: Job) -> Job | None:
    """Return the job that the policy of the baseline's commit judges; `None` if that of the change judges alone."""
    services = job.services
    if services.trusted is None or job.base_policy is None or services.context.event_name in REVIEWED_EVENTS:
        return None
    trusted = dataclasses.replace(services.trusted, judges=True)
    base = dataclasses.replace(job, policy=job.base_policy, services=dataclasses.replace(services, trusted=trusted))
    return base if base.pillars else None


def _same_rules(base: Job, head: Job, pillar: Pillar) -> bool:
    """Return whether both policies judge a pillar alike."""
    policies = (base.policy, head.policy)
    sections = [(getattr(policy, pillar.section), policy.targets if pillar.sends_load else ()) for policy in policies]
    return sections[0] == sections[1]


def _read_base_policy(job: Job, trusted: TrustedInputs) -> Policy | None:
    """Return the policy of the baseline's commit if it differs from that of the change and can be read."""
    from ghmlops.commands.shared.policy_file import load_policy

    cwd, name = job.services.cwd, job.inputs.policy
    file = trusted.policy(cwd, name)
    if file is None or file.read_bytes() == (cwd / name).read_bytes():
        return None
    try:
        return load_policy(file, name)
    except PolicyError as error:
        job.services.console.note(f"check: the policy of the baseline's commit cannot judge: {error.message}")
        return None
