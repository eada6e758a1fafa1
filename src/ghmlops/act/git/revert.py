"""Reverts commits on a branch of a remote, in a separate work tree, and pushes fast-forward or not at all.

The user's work tree, index and branch are never changed. The revert is pushed on top of the tip on which it was
created; if the branch moved meanwhile, it is created again, at most `MAX_ATTEMPTS` times. Several commits are reverted
newest first, with one revert commit each, and pushed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.git import history, publish
from ghmlops.act.git.publish import Plan, PushResult
from ghmlops.act.git.worktree import detached
from ghmlops.clients.git import client, credentials
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert import plan as core
from ghmlops.core.revert.spec import MergedPullRequest, Spec, check_names
from ghmlops.core.revert.text import REFUSAL_HINTS, pull_request_text, refusal_text, revert_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.act.git.history import Remote
    from ghmlops.act.git.publish import Forge
    from ghmlops.clients.git.client import Git

MAX_ATTEMPTS = 3
BOT_NAME = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"
_NO_LFS = {"GIT_LFS_SKIP_SMUDGE": "1"}
"""Leaves the pointers of Git LFS in place of the files; they are enough to revert a change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to revert, why, and how."""

    spec: Spec
    grounds: core.Grounds
    remote: str = "origin"
    branch: str = ""
    """Empty stands for the default branch of the remote."""
    merged: MergedPullRequest | None = None
    """If `spec` names a pull request, its merge."""
    run_url: str = ""
    token: str = ""
    """Authenticates to a remote over http(s)."""
    temp: str = ""
    """Folder for temporary files; empty stands for the default of the system."""
    pull_request_only: bool = False
    """Open a pull request instead of pushing to the branch."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertResult:
    """The outcome of a revert that was not refused."""

    state: str
    """`reverted`, `already-reverted`, `pull-request` or `planned` (dry run)."""
    plan: Plan
    revert_sha: str = ""
    """The last revert commit, or the tip of the revert branch."""
    pull_request: int | None = None
    cause: str = ""
    """Why there is a pull request instead of a push."""


def revert(git: Git, request: Request, *, forge: Forge | None, note: Callable[[str], None]) -> RevertResult:
    """Revert commits on a branch of a remote.

    Args:
        git: git for the user's repository.
        request: What to revert, why, and how.
        forge: The service that hosts the remote; without one, no pull request can be opened.
        note: Reports progress to the user.

    Raises:
        NeedsPerson: The revert is refused or in conflict; nothing was pushed.
        EvidenceError: The verdict is about another commit.
        InputError: A commit, branch or remote does not exist.
        PermissionMissing: The token does not allow writing.
        GitError: git failed, or the remote cannot be reached.
    """
    check_names(request.remote, request.branch)
    git = credentials.with_token(git, request.token, credentials.remote_urls(git, request.remote))
    with history.remote_branch(git, request.remote, request.branch) as remote:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            plan = _create_commits(remote, request)
            if plan.head == plan.tip:
                return RevertResult(state="already-reverted", plan=plan)
            if request.dry_run:
                return RevertResult(state="planned", plan=plan)
            if request.pull_request_only:
                return _proposed(remote, plan, forge, "requested with `mode: pull-request`")
            if rules := forge.blocking_rules(plan.branch) if forge else ():
                return _proposed(remote, plan, forge, f"the branch has rules against a push: {', '.join(rules)}")
            result, message = publish.push(remote, plan.head, plan.branch)
            if result is PushResult.DONE:
                return RevertResult(state="reverted", plan=plan, revert_sha=plan.head)
            if result is not PushResult.MOVED:
                return _proposed(remote, plan, forge, message)
            note(f"`{plan.branch}` moved while the revert was created (attempt {attempt} of {MAX_ATTEMPTS})")
    raise NeedsPerson(
        f"`{plan.branch}` moved {MAX_ATTEMPTS} times while the revert was created; nothing was pushed",
        hint="run the command again when nobody pushes to the branch",
        reason_code="branch-moves",
    )


def _proposed(remote: Remote, plan: Plan, forge: Forge | None, cause: str) -> RevertResult:
    proposal = publish.propose(remote, plan, forge, cause)
    return RevertResult(
        state="pull-request", plan=plan, revert_sha=proposal.sha, pull_request=proposal.number, cause=cause
    )


def _create_commits(remote: Remote, request: Request) -> Plan:
    """Create the revert commits on the present tip of the branch, in a work tree that is removed afterwards."""
    tip, ids = history.resolve_commits(remote, request.spec, request.merged)
    core.check_verdict_commits(request.grounds, ids, pull_request=request.merged is not None)
    commits = [history.read_commit(remote.git, sha) for sha in ids]
    by_person = request.grounds.by_person
    for commit in commits:
        on_branch = remote.contains(commit.sha, tip)
        refusal = core.refusal_before_attempt(commit, on_branch=on_branch, by_person=by_person)
        _raise_refusal(refusal, commit, remote.branch)
    reverted: list[core.Commit] = []
    with detached(remote.git, tip, temp=request.temp, variables={**_identity(remote.git), **_NO_LFS}) as work:
        for commit in commits:
            attempt, conflicts = _apply_revert(work, commit)
            if attempt is not core.Attempt.EMPTY:
                earlier = _earlier_revert(remote.git, commit, tip, attempt, request.temp)
                refusal = core.refusal_after_attempt(attempt, earlier, by_person=by_person)
                _raise_refusal(refusal, commit, remote.branch, conflicts)
            if attempt is core.Attempt.CLEAN:
                work.read(
                    "commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--file=-",
                    stdin=revert_message(commit, request.grounds, request.run_url),
                )  # fmt: skip
                reverted.append(commit)
        head = work.read("rev-parse", "--verify", "--quiet", "HEAD")
        diffstat = work.read("diff", "--stat=100", "--no-ext-diff", tip, head)
    title, body = pull_request_text(reverted, request.grounds, request.run_url)
    return Plan(
        branch=remote.branch,
        tip=tip,
        head=head,
        newest=ids[0],
        commits=tuple(reverted),
        diffstat=diffstat,
        title=title,
        body=body,
    )


def _apply_revert(work: Git, commit: core.Commit) -> tuple[core.Attempt, list[str]]:
    """Revert one commit in the work tree and its index; after a conflict, both are as before.

    Returns:
        The result, and the paths of the files in conflict.
    """
    mainline = ("-m", "1") if len(commit.parents) > 1 else ()
    result = work.run("revert", "--no-commit", *mainline, commit.sha)
    if result.exit_code == 0:
        unchanged = work.succeeds("diff", "--cached", "--quiet", "--no-ext-diff", "HEAD")
        return (core.Attempt.EMPTY if unchanged else core.Attempt.CLEAN), []
    conflicts = [name for name in work.read("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if name]
    if not conflicts:
        raise client.command_error("revert", result)
    work.run("revert", "--quit")
    work.read("reset", "--quiet", "--hard")
    return core.Attempt.CONFLICT, conflicts


def _earlier_revert(git: Git, commit: core.Commit, tip: str, attempt: core.Attempt, temp: str) -> core.EarlierRevert:
    """Return the evidence that the branch reverted `commit` before; only after a conflict is a proof attempted."""
    later = history.revert_claims(git, commit.sha, tip)
    claims = [(index, other) for index, other in enumerate(later) if other.claims_to_revert(commit.sha)]
    if not claims:
        return core.EarlierRevert.NONE
    if attempt is core.Attempt.CONFLICT:
        for index, other in claims:
            if core.in_force(other, later[index + 1 :]) and _is_exact_inverse(git, commit, other, temp):
                return core.EarlierRevert.PROVEN
    return core.EarlierRevert.CLAIMED


def _is_exact_inverse(git: Git, commit: core.Commit, other: core.Commit, temp: str) -> bool:
    """Return whether reverting `commit` on the parent of `other` yields the tree of `other`."""
    if not other.parents:
        return False
    with detached(git, other.parents[0], temp=temp, variables=_NO_LFS) as work:
        attempt, _ = _apply_revert(work, commit)
        return attempt is core.Attempt.CLEAN and work.read("write-tree") == git.read(
            "rev-parse", "--verify", "--quiet", f"{other.sha}^{{tree}}"
        )


def _identity(git: Git) -> dict[str, str]:
    """Return variables that name the bot as author, if git has no other identity."""
    if git.succeeds("config", "user.name") and git.succeeds("config", "user.email"):
        return {}
    return {
        "GIT_AUTHOR_NAME": BOT_NAME,
        "GIT_AUTHOR_EMAIL": BOT_EMAIL,
        "GIT_COMMITTER_NAME": BOT_NAME,
        "GIT_COMMITTER_EMAIL": BOT_EMAIL,
    }


def _raise_refusal(
    refusal: core.Refusal | None, commit: core.Commit, branch: str, files: list[str] | None = None
) -> None:
    if refusal is not None:
        text = refusal_text(refusal, commit, branch, files or ())
        raise NeedsPerson(text, hint=REFUSAL_HINTS[refusal], reason_code=refusal.value)
