"""Handing revert commits to the remote: a fast-forward push, or a branch of its own with a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from ghmlops.act.git import history
from ghmlops.clients.git import client
from ghmlops.core.errors import GitError, NeedsPerson, PermissionMissing
from ghmlops.core.revert import plan as core
from ghmlops.core.revert.plan import one_line

if TYPE_CHECKING:
    from ghmlops.act.git.history import Remote

_MOVED = re.compile(
    r"non-fast-forward|fetch first|stale info|cannot lock ref|failed to update ref|incorrect old value"
    r"|reference already exists"
)
_FORBIDDEN = re.compile(r"error: 403\b|Permission to \S+ denied|denied to |Write access .* not granted")


class Push(StrEnum):
    """What a remote answered to a push."""

    DONE = "done"
    MOVED = "moved"
    """The branch is no longer where it was: fetch and do it again."""
    PROTECTED = "branch-protected"
    """The remote has a rule or a hook against it."""
    FORBIDDEN = "push-forbidden"
    """The credentials may not write."""
    UNKNOWN = "unknown"
    """No answer for this branch: it may have landed or not."""


class Forge(Protocol):
    """What the place that hosts the remote knows and does beside git."""

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules of `branch` that refuse an ordinary push."""

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open a pull request, or find the open one of the same branches; return its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What undoing gave on one tip of the branch: `head` is the last revert commit, or the tip where all is undone."""

    branch: str
    tip: str
    head: str
    newest: str
    undone: tuple[core.Commit, ...]
    """Newest first; without the commits that were undone before."""
    diffstat: str
    title: str
    """Title and body of the pull request, where there will be one."""
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A revert that waits in a pull request; `sha` is the tip of its branch."""

    sha: str
    number: int


def push(remote: Remote, sha: str, branch: str) -> tuple[Push, str]:
    """Push fast-forward, never with force. Where the answer was lost, the remote is asked what it holds.

    Raises:
        GitError: the remote did not answer, and the push is known not to have landed or its fate is not known.
    """
    ref = f"refs/heads/{branch}"
    result = remote.git.run(
        "push", "--porcelain", "--no-verify", "--", remote.name, f"{sha}:{ref}", timeout=client.REMOTE_TIMEOUT
    )
    answer, said = read_push(result.exit_code, result.stdout, result.stderr, ref)
    if answer is not Push.UNKNOWN:
        return answer, said
    problem = client.command_error("push", result, hint=f"can the remote `{remote.name}` be reached?")
    try:
        landed = bool(remote.tip_of(branch)) and remote.holds(sha, remote.at(branch).fetch())
    except GitError:
        raise GitError(
            f"{problem.message}; whether it landed is not known", hint="run it again: it is done once only"
        ) from None
    if landed:
        return Push.DONE, said
    raise problem


def propose(remote: Remote, plan: Plan, forge: Forge | None, said: str) -> Proposed:
    """Push the revert to a branch of its own and open a pull request, or find both from an earlier run.

    Raises:
        NeedsPerson: there is no token to open it with, or the branch is not taken either.
        PermissionMissing: the token may not push.
        GitHubError: GitHub refused the pull request.
    """
    if forge is None:
        raise NeedsPerson(
            f"`{plan.branch}` does not take the revert: {said}",
            hint="give a `token` so that a revert pull request can be opened, or let the token push",
            reason_code=Push.PROTECTED.value,
        )
    name = core.revert_branch(plan.newest)
    head = _own_branch(remote, plan, name) or _push_own(remote, plan, name, said)
    number = forge.open_pull_request(head=name, base=plan.branch, title=plan.title, body=plan.body)
    return Proposed(sha=head, number=number)


def _push_own(remote: Remote, plan: Plan, name: str, said: str) -> str:
    answer, why = push(remote, plan.head, name)
    if answer is Push.DONE:
        return plan.head
    if answer is Push.MOVED and (there := _own_branch(remote, plan, name)):  # another run was faster
        return there
    if answer is Push.FORBIDDEN:
        raise PermissionMissing(f"the token may not push: {why}", hint="the job needs `permissions: contents: write`")
    raise NeedsPerson(
        f"neither `{plan.branch}` nor `{name}` takes the revert: {said}; {why}",
        hint="revert by hand, or give a token that may push",
        reason_code=Push.PROTECTED.value,
    )


def _own_branch(remote: Remote, plan: Plan, name: str) -> str:
    """Return the tip of the revert branch where an earlier run pushed it; empty where there is none to use.

    Raises:
        NeedsPerson: a branch of this name is there and holds something else.
    """
    if not remote.tip_of(name):
        return ""
    tip = remote.at(name).fetch()
    if remote.holds(tip, plan.head):  # merged long ago and left behind: it moves forward
        return ""
    made = [commit for commit in history.claims(remote.git, plan.newest, tip) if commit.own]
    if all(any(commit.says_it_reverts(undone.sha) for commit in made) for undone in plan.undone):
        return tip
    raise NeedsPerson(
        f"the remote has a branch `{name}` that is not this revert", hint="delete or merge it, then run this again",
        reason_code="branch-taken",
    )  # fmt: skip


def read_push(code: int, out: str, err: str, ref: str) -> tuple[Push, str]:
    """Read the answer to `git push --porcelain` for one full reference name.

    Returns:
        The answer, and what the remote said about it, on one line of at most 600 characters.
    """
    rows = [line.split("\t") for line in out.splitlines() if line.count("\t") >= 2]
    summary = next((row[2] for row in rows if row[1].rpartition(":")[2] == ref), "")
    flag = next((row[0] for row in rows if row[1].rpartition(":")[2] == ref), "")
    remote = [line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:")]
    said = one_line(" ".join([summary, *filter(None, remote)]).strip() or err.strip(), 600)
    if flag and flag != "!":
        return (Push.DONE if code == 0 else Push.UNKNOWN), said
    if flag == "!":
        return _rejection(summary), said
    forbidden = _FORBIDDEN.search(err)
    return (Push.FORBIDDEN if forbidden else Push.UNKNOWN), said


def _rejection(summary: str) -> Push:
    if _MOVED.search(summary):
        return Push.MOVED
    return Push.PROTECTED if "[remote rejected]" in summary else Push.UNKNOWN
