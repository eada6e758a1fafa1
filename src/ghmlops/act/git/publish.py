"""Publishes revert commits: by a fast-forward push, or on a separate branch with a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ghmlops.act.git import api_commits, history, proofs
from ghmlops.clients.git import client
from ghmlops.core.errors import GitError, InputError, NeedsPerson, PermissionMissing
from ghmlops.core.revert.plan import revert_branch_name
from ghmlops.core.revert.push_result import Published, PushResult
from ghmlops.core.revert.spec import one_line

if TYPE_CHECKING:
    from ghmlops.act.git.history import Remote
    from ghmlops.core.revert.api_commit import ApiRevert
    from ghmlops.core.revert.plan import Commit

_MOVED = re.compile(
    r"non-fast-forward|fetch first|stale info|cannot lock ref|failed to update ref|incorrect old value"
    r"|reference already exists"
)
_FORBIDDEN = re.compile(r"error: 403\b|Permission to \S+ denied|denied to |Write access .* not granted")


class Forge(Protocol):
    """The service that hosts the remote, for what git itself cannot do."""

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules of `branch` under which an ordinary push is rejected."""

    def may_change_workflows(self) -> bool:
        """Return whether the token may push changes of `.github/workflows`, as far as is known."""

    def publish_commits(self, *, branch: str, tip: str, revert: ApiRevert) -> Published:
        """Create commits on top of `tip` through the API, which signs them, and move the branch to the last one.

        A branch that does not exist is created.
        """

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open a pull request, or find the open one with the same branches; return its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Revert commits on top of one tip of the branch, not yet published."""

    branch: str
    tip: str
    head: str
    """The last revert commit, or `tip` if there is nothing left to revert."""
    newest: str
    """The newest of the selected commits."""
    commits: tuple[Commit, ...]
    """The commits that are reverted, newest first; without those whose change the branch no longer contains."""
    diffstat: str
    title: str
    """Title of the pull request, if one is opened."""
    body: str
    """Body of the pull request, if one is opened."""
    base: str = ""
    """The commit whose state the branch should have again, apart from later work; empty if none is known."""
    differences: tuple[str, ...] = ()
    """Paths by which the branch still differs from that state, later work aside."""
    cause: str = ""
    """Why a person must merge the revert; empty if it may be pushed to the branch."""
    verified: bool = False
    """Whether GitHub must create the commits, so that they are verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A revert that waits in a pull request."""

    sha: str
    """Tip of its branch."""
    number: int
    """Number of the pull request."""


def push(remote: Remote, sha: str, branch: str) -> tuple[PushResult, str]:
    """Push fast-forward, never with force. If the response was lost, look at the branch on the remote.

    Args:
        remote: The remote.
        sha: The commit that the branch should point to.
        branch: Name of the branch on the remote.

    Returns:
        The result, and the message of the remote on one line.

    Raises:
        GitError: The remote did not respond, and the push failed or it is unknown whether it succeeded.
    """
    ref = f"refs/heads/{branch}"
    result = remote.git.run(
        "push", "--porcelain", "--no-verify", "--", remote.name, f"{sha}:{ref}", timeout=client.REMOTE_TIMEOUT
    )
    push_result, message = parse_push(result.exit_code, result.stdout, result.stderr, ref)
    if push_result is not PushResult.UNKNOWN:
        return push_result, message
    error = client.command_error("push", result, hint=f"is the remote `{remote.name}` reachable?")
    try:
        landed = bool(remote.tip_of(branch)) and remote.contains(sha, remote.at(branch).fetch())
    except GitError:
        raise GitError(
            f"{error.message}; it is unknown whether the push succeeded",
            hint="run the command again; it reverts a commit only once",
        ) from None
    if landed:
        return PushResult.DONE, message
    raise error


def publish(remote: Remote, plan: Plan, branch: str, forge: Forge | None) -> Published:
    """Push the commits of a plan, or let GitHub create them if they must be verified.

    Args:
        remote: The remote.
        plan: The revert commits.
        branch: Name of the branch on the remote.
        forge: The service that hosts the remote.

    Raises:
        InputError: The commits must be verified, and there is no connection to GitHub.
        NeedsPerson: GitHub cannot create these commits, or does not sign them.
        GitError: The remote did not respond, and the push failed or it is unknown whether it succeeded.
        GitHubError: GitHub rejected a request.
    """
    if not plan.verified:
        result, message = push(remote, plan.head, branch)
        return Published(result, message, plan.head if result is PushResult.DONE else "")
    if forge is None:
        raise InputError(
            "`revert.verified` of the policy demands verified commits, which only GitHub's API creates",
            hint="pass `token: ${{ github.token }}` with `permissions: {contents: write}`",
        )
    revert = api_commits.read_revert(remote.git, plan.tip, plan.head, plan.commits)
    return forge.publish_commits(branch=branch, tip=plan.tip, revert=revert)


def propose(remote: Remote, plan: Plan, forge: Forge | None, cause: str, *, temp: str = "") -> Proposal:
    """Push the revert to a separate branch and open a pull request, or find both from an earlier run.

    Args:
        remote: The remote.
        plan: The revert commits.
        forge: Opens the pull request.
        cause: Why the revert is not pushed to the branch itself.
        temp: Folder for temporary files; empty stands for the default of the system.

    Raises:
        NeedsPerson: There is no token to open the pull request with, or the remote rejected this branch too.
        PermissionMissing: The token does not allow pushing.
        GitHubError: GitHub rejected the pull request.
    """
    if forge is None and plan.cause:
        raise NeedsPerson(
            f"a person must merge this revert on `{plan.branch}`: {cause}",
            hint="pass a `token` so that a revert pull request can be opened, or state a reason with --reason",
            reason_code="review-required",
        )
    if forge is None:
        raise NeedsPerson(
            f"the remote does not accept the revert on `{plan.branch}`: {cause}",
            hint="pass a `token` so that a revert pull request can be opened, or allow the token to push",
            reason_code=PushResult.PROTECTED.value,
        )
    name = revert_branch_name(plan.newest)
    head = _existing_revert(remote, plan, name, temp) or _push_revert_branch(remote, plan, name, forge, cause, temp)
    number = forge.open_pull_request(head=name, base=plan.branch, title=plan.title, body=plan.body)
    return Proposal(sha=head, number=number)


def _push_revert_branch(  # noqa: PLR0913, PLR0917  (a revert, and where it goes)
    remote: Remote, plan: Plan, name: str, forge: Forge, cause: str, temp: str
) -> str:
    result, message, sha = publish(remote, plan, name, forge)
    if result is PushResult.DONE:
        return sha
    # Another run may have pushed the same revert meanwhile.
    if result is PushResult.MOVED and (existing := _existing_revert(remote, plan, name, temp)):
        return existing
    if result is PushResult.FORBIDDEN:
        raise PermissionMissing(
            f"the token does not allow pushing: {message}", hint="the job needs `permissions: contents: write`"
        )
    raise NeedsPerson(
        f"the remote rejected both branches, `{plan.branch}` and `{name}`: {cause}; {message}",
        hint="revert by hand, or pass a token that is allowed to push",
        reason_code=PushResult.PROTECTED.value,
    )


def _existing_revert(remote: Remote, plan: Plan, name: str, temp: str) -> str:
    """Return the tip of the revert branch that an earlier run pushed; an empty string if no usable branch exists.

    Raises:
        NeedsPerson: A different branch with this name already exists.
    """
    if not remote.tip_of(name):
        return ""
    tip = remote.at(name).fetch()
    # The branch of a revert that was merged earlier is an ancestor, so the push moves it forward.
    if remote.contains(tip, plan.head):
        return ""
    if _is_same_revert(remote, plan, tip, temp):
        return tip
    raise NeedsPerson(
        f"a different branch with the name `{name}` already exists on the remote",
        hint="delete or merge it, then run the command again",
        reason_code="branch-taken",
    )


def _is_same_revert(remote: Remote, plan: Plan, tip: str, temp: str) -> bool:
    """Return whether the trees prove that the commits on another branch are the same reverts, and nothing else."""
    git, current = remote.git, tip
    for commit in reversed(plan.commits):
        other = history.read_commit(git, current)
        if len(other.parents) != 1 or not proofs.is_exact_inverse(git, [commit], other, temp):
            return False
        current = other.parents[0]
    return bool(plan.commits) and remote.contains(current, plan.tip)


def parse_push(exit_code: int, stdout: str, stderr: str, ref: str) -> tuple[PushResult, str]:
    """Parse the response to `git push --porcelain` for one full reference name.

    Args:
        exit_code: Exit code of git.
        stdout: Standard output, with one row per reference: flag, source and destination, summary.
        stderr: Standard error, with messages of the remote.
        ref: Full name of the reference that was pushed.

    Returns:
        The result, and the message of the remote about it, on one line of at most 600 characters.
    """
    rows = [line.split("\t") for line in stdout.splitlines() if line.count("\t") >= 2]
    summary = next((row[2] for row in rows if row[1].rpartition(":")[2] == ref), "")
    flag = next((row[0] for row in rows if row[1].rpartition(":")[2] == ref), "")
    remote_lines = [line.removeprefix("remote:").strip() for line in stderr.splitlines() if line.startswith("remote:")]
    message = one_line(" ".join([summary, *filter(None, remote_lines)]).strip() or stderr.strip(), 600)
    if flag and flag != "!":
        return (PushResult.DONE if exit_code == 0 else PushResult.UNKNOWN), message
    if flag == "!":
        return _rejection(summary), message
    forbidden = _FORBIDDEN.search(stderr)
    return (PushResult.FORBIDDEN if forbidden else PushResult.UNKNOWN), message


def _rejection(summary: str) -> PushResult:
    if _MOVED.search(summary):
        return PushResult.MOVED
    return PushResult.PROTECTED if "[remote rejected]" in summary else PushResult.UNKNOWN
