"""Whether a change affects the service of the policy: by `paths`, and by the files that judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policy.input_files import covers, input_files
from ghmlops.core.policy.paths import NOT_AFFECTED, affected_files

if TYPE_CHECKING:
    from collections.abc import Collection

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.document import Policy

EVENTS = ("", "pull_request", "pull_request_target", "merge_group")
"""Events whose run may end without a measurement, and runs outside of a workflow: a deployment is always measured."""
DOCS = "actions/check/README.md#several-services"


def unaffected(policy: Policy, policy_file: str, base: str, services: Services) -> Finding | None:
    """Return the finding that the change leaves the service as it is; `None` if it affects it, or if that is unknown.

    Args:
        policy: the policy of the change. A change of it affects the service, so that no change chooses its `paths`.
        policy_file: its path, relative to the working directory.
        base: full SHA of the baseline's commit; empty without one.
        services: services of the command.
    """
    if not policy.paths or not base or services.context.event_name not in EVENTS:
        return None
    files = _changed(base, services)
    if files is None or not leaves_untouched(policy, policy_file, files, services):
        return None
    reason = (
        f"None of the {len(files):,} files that differ from {base[:12]} belongs to {policy.service} "
        f"(`paths` of {policy_file}), so that nothing was measured."
    )
    return Finding(
        id=NOT_AFFECTED,
        metric="paths",
        outcome=Outcome.PASS,
        reason=reason,
        docs=DOCS,
        description="A change of other services leaves this one as it is.",
        n=len(files),
    )


def leaves_untouched(policy: Policy, policy_file: str, files: Collection[str], services: Services) -> bool:
    """Return whether none of the changed files belongs to the service, or judges it: policy, payloads, baselines.

    False without `paths`, and without any file: an empty list does not show what a change contains.
    """
    from ghmlops.commands.shared.policy_file import repository_file

    if not policy.paths or not files or affected_files(policy.paths, files):
        return False
    judging = [repository_file(name, services) for name in (policy_file, *input_files(policy))]
    return not any(covers(name, path) for path in files for name in judging)


def _changed(base: str, services: Services) -> frozenset[str] | None:
    """Return what differs from the baseline's commit: of a local run, uncommitted changes as well; `None`: unknown."""
    from ghmlops.measure.checkout import changed_files, uncommitted_files

    context = services.context
    committed = changed_files(services.cwd, base, context.head_sha or "HEAD")
    uncommitted = frozenset[str]() if context.in_actions else uncommitted_files(services.cwd)
    return None if committed is None or uncommitted is None else committed | uncommitted
