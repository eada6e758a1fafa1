"""The record that a revert leaves for the history."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.history.record_file import leave_record, record_origin
from ghmlops.core.history.record import RevertRecord

if TYPE_CHECKING:
    from ghmlops.act.git.revert import RevertResult
    from ghmlops.commands.revert.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.revert.grounds import Grounds


class Subject(NamedTuple):
    """What was deployed where, by the policy."""

    service: str
    environment: str


def read_subject(inputs: Inputs, services: Services) -> Subject | None:
    """Return the subject of the record, before anything is pushed; `None` if no record is requested.

    Raises:
        PolicyError: The policy cannot be read.
    """
    if not inputs.record_file:
        return None
    from ghmlops.commands.shared.policy_file import load_policy

    policy = load_policy(services.cwd / inputs.policy, inputs.policy)
    return Subject(policy.service, inputs.environment or policy.gate.environment)


def leave_revert(
    inputs: Inputs, services: Services, subject: Subject | None, grounds: Grounds, result: RevertResult
) -> str:
    """Write the record and return its name; nothing is written in a dry run, which performs nothing.

    Args:
        inputs: Inputs of the command.
        services: Services of the command.
        subject: What was deployed where; `None` if no record is requested.
        grounds: Why the commits were reverted.
        result: What the revert did.

    Raises:
        InputError: The file cannot be written.
    """
    if subject is None or result.state == "planned":
        return ""
    plan = result.plan
    record = RevertRecord(
        **record_origin(services)._asdict(),
        **subject._asdict(),
        commit=grounds.verdict_commit or plan.newest,
        state=result.state,
        branch=plan.branch,
        reverted=tuple(commit.sha for commit in plan.commits),
        revert_sha=result.revert_sha,
        pull_request=result.pull_request,
        reason=(grounds.reason or result.cause)[:1000],
    )
    return leave_record(inputs.record_file, record, services)
