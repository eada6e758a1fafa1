"""Takes and releases the lock of a service and environment, for a job that may push and does nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.promote.job import candidate, load_promotion
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.core.errors import GhmlopsError, GitError, GitHubError, InputError, nearest
from ghmlops.core.history.lock import BRANCH, Holder, Lock
from ghmlops.core.model import Outcome
from ghmlops.core.steps.step import short
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.promote.inputs import Inputs
    from ghmlops.commands.shared.base import Services

TASKS = ("take", "release")
_REMOTE = "origin"


def run(inputs: Inputs, services: Services) -> Result:
    """Take or release the lock; neither the router nor the evidence is touched.

    A rollback goes on without a lock that cannot be read or written; one that another run holds stops it.

    Raises:
        InputError: The commit is no full SHA, the task is unknown, or the run has no id.
        PolicyError: The policy cannot be read, or configures no promotion.
        NeedsPerson: Another run holds the lock.
        PermissionMissing: The token does not allow pushing.
        GitError: The remote cannot be reached or rejected the branch, or the lock is damaged.
    """
    from ghmlops.act.git import open_repository
    from ghmlops.act.git.lock_branch import release_lock, take_lock

    if inputs.lock not in TASKS:
        raise InputError(f'input `lock`: "{short(inputs.lock, 80)}" is not a task', hint=nearest(inputs.lock, TASKS))
    commit = candidate(inputs)
    policy, promote = load_promotion(inputs, services)
    service, environment = policy.service, inputs.environment or policy.gate.environment
    own = _own(commit, services)
    if inputs.dry_run:
        return dry_run_result(f"The lock of {service} in {environment} would be changed: {inputs.lock}.", "")
    git = open_repository(services.cwd, services.environ)
    note, name = services.console.note, f"the lock of {service} in {environment}"
    if inputs.lock == "take":
        lock = Lock(service=service, environment=environment, holder=own)
        try:
            take_lock(
                git,
                lock,
                now=services.now(),
                max_age=promote.lock.max_age,
                has_ended=_run_state(inputs, services),
                remote=_REMOTE,
                token=inputs.token,
                note=note,
            )
        except (GitError, GitHubError) as error:
            if not inputs.rollback:
                raise
            note(f"rollback: goes on without {name}: {error.message}")
            reason = f"The rollback goes on without {name}: {error.message}."
            return _done("lock-not-taken", reason, Outcome.WARN)
        return _done("lock-taken", f"Run {own.run_id} holds {name}, on the branch {BRANCH}.")
    released = release_lock(git, service, environment, own, remote=_REMOTE, token=inputs.token, note=note)
    if released:
        return _done("lock-released", f"Run {own.run_id} released {name}.")
    return _done("lock-not-held", f"Run {own.run_id} did not hold {name}.")


def _own(commit: str, services: Services) -> Holder:
    context = services.context
    if not context.run_id:
        raise InputError(
            "the lock belongs to a workflow run, and this process is none",
            hint="run it in GitHub Actions",
        )
    return Holder(
        run_id=context.run_id,
        run_attempt=context.run_attempt,
        run_url=context.run_url,
        person=context.triggering_actor or context.actor,
        commit=commit,
        since=services.now().isoformat(timespec="seconds"),
    )


def _run_state(inputs: Inputs, services: Services) -> Callable[[Holder], bool]:
    """Return a function that asks GitHub whether the run of a holder has ended; what it does not answer is no end."""

    def has_ended(holder: Holder) -> bool:
        from ghmlops.commands.shared.github import connection
        from ghmlops.measure.github.runs import read_api_run, run_number

        if not (inputs.token and services.context.api_url and services.context.repository):
            return False
        try:
            with connection(inputs.token, services) as client:
                run = read_api_run(client, run_number(holder.run_id))
        except GhmlopsError as error:
            services.console.note(f"whether run {holder.run_id} has ended is unknown: {error.message}")
            return False
        return run.status == "completed" and run.run_attempt <= holder.run_attempt

    return has_ended


def _done(reason_code: str, reason: str, outcome: Outcome = Outcome.PASS) -> Result:
    text = f"{printable(reason)}\n"
    return Result(outcome=outcome, reason_code=reason_code, reason=reason, text=text, exit_code=0)
