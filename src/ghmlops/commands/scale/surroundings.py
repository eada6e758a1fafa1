"""What stands beside the demand: the replicas that run, promotions and incidents, and the time of the last step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.errors import DataError, GhmlopsError, ServiceError
from ghmlops.core.history.lock import lock_age
from ghmlops.core.history.reading import FOREIGN_FILE, may_be_newer
from ghmlops.core.history.record import DeploymentRecord, record_time
from ghmlops.core.model import Frozen
from ghmlops.core.scale.plan import Circumstances

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.act.targets.scaling import ScaledService
    from ghmlops.commands.scale.inputs import Inputs
    from ghmlops.commands.scale.job import Job
    from ghmlops.commands.shared.base import Services

REMOTE = "origin"
MAX_STEP_BYTES = 4096
UNFINISHED = ("hold", "running")
"""Decisions of a promotion after which both arms have traffic."""


class LastStep(Frozen, frozen=True, kw_only=True):
    """The last change of replicas: time in seconds since the epoch, and both numbers."""

    time: float
    before: int
    after: int


class Surroundings(NamedTuple):
    """What a plan is made in, the service whose replicas are set, and why the target could not be read."""

    circumstances: Circumstances
    service: ScaledService | None
    unread: str = ""


def read_surroundings(job: Job, inputs: Inputs, services: Services, now: float) -> Surroundings:
    """Return what stands beside the demand. In the mode `plan`, a target that cannot be read is only named.

    Raises:
        ServiceError: The target cannot be reached or refuses, or somebody else owns its replicas.
        DataError: The file of the last step is damaged.
    """
    from ghmlops.act.targets.scaling import open_service

    scale, present, unread, service = job.policy, None, "", None
    if scale.target is not None and not job.baseline:
        service = open_service(scale.target, services.cwd)
        try:
            present = service.read().desired
            service.check()
        except ServiceError as error:
            if job.applies:
                raise
            unread = error.message
    zero = scale.zero
    circumstances = Circumstances(
        present=present,
        paused=scale.pause,
        holds=() if job.baseline else tuple(_holds(job, inputs, services)),
        fallback=scale.fallback,
        zero_idle=zero.idle if zero and job.cold_start is not None and job.cold_start <= zero.within else None,
        since_step=_since_step(services.cwd / inputs.step_file, now) if inputs.step_file else None,
    )
    return Surroundings(circumstances, service, unread)


def _holds(job: Job, inputs: Inputs, services: Services) -> list[str]:
    """Return why no replica may be removed now; what is not known speaks against it."""
    holds = [f"held: {inputs.hold.strip()}"] if inputs.hold.strip() else []
    if job.policy.freeze_file and (services.cwd / job.policy.freeze_file).exists():
        holds.append(f"`{job.policy.freeze_file}` exists")
    if job.lock_max_age is None:
        return holds
    from ghmlops.measure.promotion_lock import read_lock

    try:
        lock = read_lock(
            services.cwd, services.environ, job.service, job.environment, remote=REMOTE, token=inputs.token
        )
    except GhmlopsError as error:
        return [*holds, f"whether a promotion is in progress is not known: {error.message}"]
    if lock is not None and lock_age(lock.holder, services.now()).total_seconds() <= job.lock_max_age:
        holds.append(f"run {lock.holder.run_id} promotes {lock.holder.commit[:12]}")
    return [*holds, *_split(job, inputs, services)]


def _split(job: Job, inputs: Inputs, services: Services) -> list[str]:
    """Return that the last promotion split the traffic and was not finished; it holds no lock any more.

    A damaged record that is not older may be that of a newer promotion.
    """
    from ghmlops.measure.record_branch import read_history

    if not inputs.branch:
        return []
    try:
        history = read_history(
            services.cwd,
            services.environ,
            remote=REMOTE,
            branch=inputs.branch,
            token=inputs.token,
            now=services.now(),
        ).history
    except GhmlopsError as error:
        return [f"whether a promotion holds is not known: {error.message}"]
    promotions = [
        stored.record
        for stored in history.records
        if isinstance(stored.record, DeploymentRecord)
        and stored.record.command == "promote"
        and (stored.record.service, stored.record.environment) == (job.service, job.environment)
    ]
    newest = promotions[-1] if promotions else None
    since = record_time(newest) if newest else None
    holds = [
        f"whether a promotion holds is not known: {problem.path} {problem.reason}"
        for problem in history.problems
        if problem.code != FOREIGN_FILE and (since is None or may_be_newer(problem, since))
    ]
    if newest is not None and newest.decision in UNFINISHED:
        holds.insert(0, f"the promotion of {newest.commit[:12]} is neither complete nor rolled back")
    return holds


def _since_step(path: Path, now: float) -> float | None:
    """Return the seconds since the last step; `None` without a file.

    Raises:
        DataError: The file is damaged.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_STEP_BYTES + 1)
        step = msgspec.json.decode(content, type=LastStep)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise DataError(
            f"{path.name} holds no time of a step", hint="remove it; it was not written by `ghmlops scale`"
        ) from None
    # A clock that was set back makes the step recent, not old.
    return max(0.0, now - step.time)


def write_step(path: Path, step: LastStep) -> None:
    """Keep the time of a step for the next run.

    Raises:
        InputError: The file cannot be written.
    """
    from ghmlops.act.files import write_atomically

    write_atomically(path, msgspec.json.encode(step))
