"""Finds the commit that a change is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.commands.shared.github import connection
from ghmlops.core.context import dig, is_sha
from ghmlops.core.errors import InputError
from ghmlops.measure.checkout import git_read

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.baseline.inputs import Inputs
    from ghmlops.commands.shared.base import Services

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


class BaseCommit(NamedTuple):
    """The commit of the baseline and the rule that selected it."""

    sha: str
    """Full SHA; empty if there is no baseline yet."""
    source: str
    """`deployment`, `merge-base`, `merge-queue`, `input` or `none`."""


def base_commit(inputs: Inputs, services: Services, deployed: Callable[[], str]) -> BaseCommit:
    """Return the baseline's commit of this run.

    That is the input `base` if it is set; for a pull request its merge base with the target branch; in a merge queue
    the commit that the group is merged onto; for any other event the newest commit that was deployed successfully.

    Args:
        inputs: inputs of the command.
        services: services of the command.
        deployed: returns the deployed commit; empty if there is none.

    Raises:
        InputError: A commit is not part of the checkout, or there is no token to ask for deployments.
        GitHubError: The deployments could not be read; `PermissionMissing` names the permission.
    """
    context = services.context
    if inputs.base:
        return BaseCommit(_commit(inputs.base, services), "input")
    if context.event_name in PULL_REQUEST_EVENTS:
        return BaseCommit(_merge_base(services), "merge-base")
    if context.event_name == "merge_group":
        sha = dig(context.event, "merge_group", "base_sha")
        if not is_sha(sha):
            raise InputError(
                "the event merge_group contains no `base_sha`", hint="name the commit of the baseline with --base"
            )
        return BaseCommit(str(sha), "merge-queue")
    sha = deployed()
    return BaseCommit(sha, "deployment" if sha else "none")


def deployed_commit(token: str, services: Services, environment: str, service: str) -> str:
    """Return the newest commit whose deployment succeeded; empty if the API shows none.

    Raises:
        InputError: There is no token.
        GitHubError: The deployments could not be read; `PermissionMissing` names the permission.
    """
    from ghmlops.measure.github.deployments import newest_successful_deployment

    if not token:
        raise InputError(
            "the baseline of a push is what is deployed, and deployments cannot be read without a token",
            hint="pass `token: ${{ github.token }}` with `permissions: {deployments: read}`, or name it with --base",
        )
    with connection(token, services) as client:
        return newest_successful_deployment(client, environment, service) or ""


def _merge_base(services: Services) -> str:
    context = services.context
    tip, head = context.base_sha, context.head_sha
    lines = git_read(services.cwd, "merge-base", tip, head).splitlines() if tip and head else []
    if not lines or not is_sha(lines[0]):
        raise InputError(
            f"the checkout contains no common ancestor of {tip[:12] or '(none)'} and {head[:12] or '(none)'}",
            hint="check out the head of the pull request with `fetch-depth: 0`",
        )
    return lines[0]


def _commit(text: str, services: Services) -> str:
    sha = git_read(services.cwd, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{text}^{{commit}}")
    if not is_sha(sha):
        raise InputError(
            f'input `base`: "{text[:80]}" is not a commit of this checkout',
            hint="name a full SHA or a branch, and check out with `fetch-depth: 0`",
        )
    return sha
