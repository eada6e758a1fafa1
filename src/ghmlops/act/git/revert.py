"""The revert of commits on a branch of a remote, made in a work tree of its own and pushed fast-forward, or not at all.

The user's work tree, index and branch are never touched. The revert is pushed on top of the tip that it was made on;
where the branch moved meanwhile, it is made again, `ATTEMPTS` times at most. Several commits are undone newest first,
one revert commit each, and pushed together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.git import history, publish
from ghmlops.act.git.publish import Plan, Push
from ghmlops.act.git.worktree import detached
from ghmlops.clients.git import client, credentials
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert import plan as core
from ghmlops.core.revert.text import REFUSAL_HINTS, pull_request_text, refusal_text, revert_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.act.git.history import Merged, Remote
    from ghmlops.act.git.publish import Forge
    from ghmlops.clients.git.client import Git

ATTEMPTS = 3
BOT_NAME = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be done, and why."""

    spec: core.Spec
    asked: core.Grounds
    remote: str = "origin"
    branch: str = ""
    """The remote's default branch where empty."""
    merged: Merged | None = None
    """What GitHub tells of the pull request, where `spec` names one."""
    run_url: str = ""
    token: str = ""
    """For a remote over http(s)."""
    temp: str = ""
    pull_request: bool = False
    """Never push to the branch itself."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended: `reverted`, `already-reverted`, `pull-request` or `planned` (dry run)."""

    state: str
    plan: Plan
    revert_sha: str = ""
    number: int | None = None
    """Of the pull request."""
    said: str = ""
    """Why there is a pull request instead of a push."""


def revert(git: Git, request: Request, *, forge: Forge | None, note: Callable[[str], None]) -> Ended:
    """Undo commits on a branch of a remote.

    Raises:
        NeedsPerson: refused, or in conflict; nothing was pushed.
        EvidenceError: the verdict is for another commit.
        InputError: no such commit, branch or remote.
        PermissionMissing: the token may not write.
        GitError: git failed, or the remote cannot be reached.
    """
    core.check_names(request.remote, request.branch)
    git = credentials.with_token(git, request.token, credentials.remote_urls(git, request.remote))
    with history.remote_branch(git, request.remote, request.branch) as remote:
        for attempt in range(1, ATTEMPTS + 1):
            plan = _make(remote, request)
            if plan.head == plan.tip:
                return Ended(state="already-reverted", plan=plan)
            if request.dry_run:
                return Ended(state="planned", plan=plan)
            if request.pull_request:
                return _proposed(remote, plan, forge, "asked for with `mode: pull-request`")
            if rules := forge.blocking_rules(plan.branch) if forge else ():
                return _proposed(remote, plan, forge, f"the branch has rules against a push: {', '.join(rules)}")
            answer, said = publish.push(remote, plan.head, plan.branch)
            if answer is Push.DONE:
                return Ended(state="reverted", plan=plan, revert_sha=plan.head)
            if answer is not Push.MOVED:
                return _proposed(remote, plan, forge, said)
            note(f"`{plan.branch}` moved while the revert was made (attempt {attempt} of {ATTEMPTS})")
    raise NeedsPerson(
        f"`{plan.branch}` moved {ATTEMPTS} times while the revert was made; nothing was pushed",
        hint="run it again when the branch is quiet",
        reason_code="branch-moves",
    )


def _proposed(remote: Remote, plan: Plan, forge: Forge | None, said: str) -> Ended:
    found = publish.propose(remote, plan, forge, said)
    return Ended(state="pull-request", plan=plan, revert_sha=found.sha, number=found.number, said=said)


def _make(remote: Remote, request: Request) -> Plan:
    """Make the revert commits on the branch's present tip, in a work tree that is gone afterwards."""
    tip, ids = history.find_commits(remote, request.spec, request.merged)
    core.check_verdict_commits(request.asked, ids, pull_request=request.merged is not None)
    commits = [history.read_commit(remote.git, sha) for sha in ids]
    person = request.asked.by_person
    for commit in commits:
        _refuse(core.guard(commit, on_branch=remote.holds(commit.sha, tip), by_person=person), commit, remote.branch)
    undone: list[core.Commit] = []
    extra = {**_identity(remote.git), "GIT_LFS_SKIP_SMUDGE": "1"}  # pointers are enough to undo a change
    with detached(remote.git, tip, temp=request.temp, extra=extra) as work:
        for commit in commits:
            attempt, files = _undo(work, commit)
            if attempt is not core.Attempt.EMPTY:
                earlier = _earlier(remote.git, commit, tip, attempt, request.temp)
                _refuse(core.settle(attempt, earlier, by_person=person), commit, remote.branch, files)
            if attempt is core.Attempt.CLEAN:
                work.read(
                    "commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--file=-",
                    stdin=revert_message(commit, request.asked, request.run_url),
                )  # fmt: skip
                undone.append(commit)
        head = work.read("rev-parse", "--verify", "--quiet", "HEAD")
        diffstat = work.read("diff", "--stat=100", "--no-ext-diff", tip, head)
    title, body = pull_request_text(undone, request.asked, request.run_url)
    return Plan(
        branch=remote.branch,
        tip=tip,
        head=head,
        newest=ids[0],
        undone=tuple(undone),
        diffstat=diffstat,
        title=title,
        body=body,
    )


def _undo(work: Git, commit: core.Commit) -> tuple[core.Attempt, list[str]]:
    """Undo one commit in the work tree and its index; after a conflict both are as before.

    Returns:
        What it gave, and the files in conflict.
    """
    mainline = ("-m", "1") if len(commit.parents) > 1 else ()
    result = work.run("revert", "--no-commit", *mainline, commit.sha)
    if result.exit_code == 0:
        same = work.succeeds("diff", "--cached", "--quiet", "--no-ext-diff", "HEAD")
        return (core.Attempt.EMPTY if same else core.Attempt.CLEAN), []
    files = [name for name in work.read("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if name]
    if not files:
        raise client.command_error("revert", result)
    work.run("revert", "--quit")
    work.read("reset", "--quiet", "--hard")
    return core.Attempt.CONFLICT, files


def _earlier(git: Git, commit: core.Commit, tip: str, attempt: core.Attempt, temp: str) -> core.Earlier:
    """Tell whether the branch reverted `commit` before; a conflict is worth the proof that the change is gone."""
    later = history.claims(git, commit.sha, tip)
    claimed = [(place, other) for place, other in enumerate(later) if other.says_it_reverts(commit.sha)]
    if not claimed:
        return core.Earlier.NONE
    if attempt is core.Attempt.CONFLICT:
        for place, other in claimed:
            if core.in_force(other, later[place + 1 :]) and _proven(git, commit, other, temp):
                return core.Earlier.PROVEN
    return core.Earlier.CLAIMED


def _proven(git: Git, commit: core.Commit, other: core.Commit, temp: str) -> bool:
    """True where `other` did exactly what undoing `commit` on its parent does: the same tree comes out."""
    if not other.parents:
        return False
    with detached(git, other.parents[0], temp=temp, extra={"GIT_LFS_SKIP_SMUDGE": "1"}) as work:
        attempt, _ = _undo(work, commit)
        return attempt is core.Attempt.CLEAN and work.read("write-tree") == git.read(
            "rev-parse", "--verify", "--quiet", f"{other.sha}^{{tree}}"
        )


def _identity(git: Git) -> dict[str, str]:
    """Return variables that name the bot as author, where git knows no other."""
    if git.succeeds("config", "user.name") and git.succeeds("config", "user.email"):
        return {}
    return {
        "GIT_AUTHOR_NAME": BOT_NAME,
        "GIT_AUTHOR_EMAIL": BOT_EMAIL,
        "GIT_COMMITTER_NAME": BOT_NAME,
        "GIT_COMMITTER_EMAIL": BOT_EMAIL,
    }


def _refuse(why: core.Refusal | None, commit: core.Commit, branch: str, files: list[str] | None = None) -> None:
    if why is not None:
        raise NeedsPerson(
            refusal_text(why, commit, branch, files or ()), hint=REFUSAL_HINTS[why], reason_code=why.value
        )
