"""Reverts commits on a branch of a remote, in a separate work tree, and pushes fast-forward or not at all.

The user's work tree, index and branch are never changed. The revert is pushed on top of the tip on which it was
created; if the branch moved meanwhile, it is created again, at most `MAX_ATTEMPTS` times. Several commits are reverted
newest first, with one revert commit each, and pushed together. Before the push, the result is compared with the state
that it should have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.git import history, proofs, publish
from ghmlops.act.git.comparison import ExpectedState, expected_state
from ghmlops.act.git.limits import check_limits
from ghmlops.act.git.publish import Plan
from ghmlops.act.git.selection import Selection, select
from ghmlops.act.git.work import apply_revert, hidden_conflicts, work_tree
from ghmlops.clients.git import credentials
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.revert import plan as core
from ghmlops.core.revert.limits import WORKFLOWS, Limits, check_workflows
from ghmlops.core.revert.push_result import PushResult
from ghmlops.core.revert.spec import check_names
from ghmlops.core.revert.text import REFUSAL_HINTS, pull_request_text, refusal_text, revert_message

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ghmlops.act.git import selection as selecting
    from ghmlops.act.git.history import Remote
    from ghmlops.act.git.publish import Forge
    from ghmlops.clients.git.client import Git
    from ghmlops.core.revert.mainline import Step

MAX_ATTEMPTS = 3
SIGNATURES = "required_signatures"
"""Rule of a branch that commits must be signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to revert, why, and how."""

    selection: selecting.Request
    remote: str = "origin"
    branch: str = ""
    """Empty stands for the default branch of the remote."""
    run_url: str = ""
    token: str = ""
    """Authenticates to a remote over http(s)."""
    temp: str = ""
    """Folder for temporary files; empty stands for the default of the system."""
    pull_request_only: bool = False
    """Open a pull request instead of pushing to the branch."""
    limits: Limits | None = None
    """Limits of a revert that no person requests; `None`: there are none."""
    verified: bool = False
    """Let GitHub create the commits, so that they are verified."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertResult:
    """The outcome of a revert that was not refused."""

    state: str
    """`reverted`, `partly-reverted`, `already-reverted`, `pull-request` or `planned` (dry run)."""
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
        InputError: A commit, branch or remote does not exist.
        PermissionMissing: The token does not allow writing.
        GitError: git failed, or the remote cannot be reached.
    """
    check_names(request.remote, request.branch)
    git = credentials.with_token(git, request.token, credentials.remote_urls(git, request.remote))
    with history.remote_branch(git, request.remote, request.branch) as remote:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            plan = _create_commits(remote, request)
            done = "partly-reverted" if plan.differences else "reverted"
            if plan.head == plan.tip:
                return RevertResult(state=done if plan.differences else "already-reverted", plan=plan)
            if request.limits is not None and not request.selection.grounds.by_person:
                check_limits(remote, plan.tip, request.limits)
            if request.dry_run:
                return RevertResult(state="planned", plan=plan)
            _check_workflows(remote, plan, forge)
            if request.pull_request_only or plan.cause:
                return _proposed(remote, request, plan, forge, plan.cause or "requested with `mode: pull-request`")
            if rules := _blocking_rules(plan, forge):
                cause = f"the branch has rules against a push: {', '.join(rules)}"
                return _proposed(remote, request, plan, forge, cause)
            result, message, sha = publish.publish(remote, plan, plan.branch, forge)
            if result is PushResult.DONE:
                return RevertResult(state=done, plan=plan, revert_sha=sha)
            if result is not PushResult.MOVED:
                return _proposed(remote, request, plan, forge, message)
            note(f"`{plan.branch}` moved while the revert was created (attempt {attempt} of {MAX_ATTEMPTS})")
    raise NeedsPerson(
        f"`{plan.branch}` moved {MAX_ATTEMPTS} times while the revert was created; nothing was pushed",
        hint="run the command again when nobody pushes to the branch",
        reason_code="branch-moves",
    )


def _blocking_rules(plan: Plan, forge: Forge | None) -> tuple[str, ...]:
    """Return the rules of the branch under which the revert is rejected; commits that GitHub creates are signed."""
    rules = forge.blocking_rules(plan.branch) if forge else ()
    return tuple(rule for rule in rules if not (plan.verified and rule == SIGNATURES))


def _check_workflows(remote: Remote, plan: Plan, forge: Forge | None) -> None:
    paths = sorted(history.changed_paths(remote.git, plan.tip, plan.head))
    if forge is not None and any(path.startswith(WORKFLOWS) for path in paths):
        check_workflows(paths, allowed=forge.may_change_workflows())


def _proposed(remote: Remote, request: Request, plan: Plan, forge: Forge | None, cause: str) -> RevertResult:
    proposal = publish.propose(remote, plan, forge, cause, temp=request.temp)
    return RevertResult(
        state="pull-request", plan=plan, revert_sha=proposal.sha, pull_request=proposal.number, cause=cause
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """The commits to revert on one tip of the branch."""

    remote: Remote
    request: Request
    selection: Selection


def _create_commits(remote: Remote, request: Request) -> Plan:
    """Create the revert commits on the present tip of the branch, in a work tree that is removed afterwards."""
    git = remote.git
    selection = select(remote, request.selection)
    commits = [history.read_commit(git, step.sha) for step in selection.steps]
    _check_commits(remote, request, selection, commits)
    job = _Job(remote=remote, request=request, selection=selection)
    reverted: list[core.Commit] = []
    with work_tree(git, selection.tip, request.temp) as work:
        expected = _expected_state(work, remote, selection, commits[0]) if selection.base else None
        # The trees show that nothing of the range is left, whatever its single commits did.
        if expected is None or not expected.is_reached(git, selection.tip):
            for step, commit in zip(selection.steps, commits, strict=True):
                if _revert_one(job, work, commit, step):
                    reverted.append(commit)
        head = work.read("rev-parse", "--verify", "--quiet", "HEAD")
        diffstat = work.read("diff", "--stat=100", "--no-ext-diff", selection.tip, head)
    differences = expected.differences(git, head) if expected is not None else []
    if differences and selection.complete:
        _raise_refusal(core.Refusal.INCOMPLETE, commits[0], remote.branch, differences, selection.base)
    title, body = pull_request_text(reverted, request.selection.grounds, request.run_url)
    return Plan(
        branch=remote.branch,
        tip=selection.tip,
        head=head,
        newest=selection.newest,
        commits=tuple(reverted),
        diffstat=diffstat,
        title=title,
        body=body,
        base=selection.base,
        differences=tuple(differences),
        cause=selection.cause,
        verified=request.verified,
    )


def _check_commits(remote: Remote, request: Request, selection: Selection, commits: Sequence[core.Commit]) -> None:
    """Refuse commits that may not be reverted, before anything is attempted."""
    by_person = request.selection.grounds.by_person
    selected = {step.sha for step in selection.steps}
    for step, commit in zip(selection.steps, commits, strict=True):
        # A revert of a commit that is reverted too only takes a detour to the same state.
        undoes_others = not selected.issuperset(commit.trailers)
        refusal = core.refusal_before_attempt(
            commit,
            on_branch=remote.contains(commit.sha, selection.tip),
            parent=step.parent,
            own_revert=undoes_others and not by_person and proofs.is_own_revert(remote.git, commit, request.temp),
            by_person=by_person,
        )
        _raise_refusal(refusal, commit, remote.branch)


def _expected_state(work: Git, remote: Remote, selection: Selection, newest: core.Commit) -> ExpectedState:
    paths = hidden_conflicts(work, selection.base, selection.last)
    _raise_refusal(core.Refusal.DRIVER if paths else None, newest, remote.branch, paths)
    return expected_state(work, selection.base, selection.last)


def _revert_one(job: _Job, work: Git, commit: core.Commit, step: Step) -> bool:
    """Create the revert commit of one commit, and return whether the branch still contained its change.

    Raises:
        NeedsPerson: A person must decide about this commit.
    """
    git, branch, grounds = job.remote.git, job.remote.branch, job.request.selection.grounds
    paths = hidden_conflicts(work, commit.parents[step.parent - 1], commit.sha)
    _raise_refusal(core.Refusal.DRIVER if paths else None, commit, branch, paths)
    attempt, conflicts = apply_revert(work, step, merge=len(commit.parents) > 1)
    if attempt is not core.Attempt.EMPTY:
        selected = {other.sha for other in job.selection.steps}
        earlier = proofs.earlier_revert(git, commit, job.selection.tip, selected, job.request.temp)
        refusal = core.refusal_after_attempt(attempt, earlier, by_person=grounds.by_person)
        _raise_refusal(refusal, commit, branch, conflicts)
    if attempt is core.Attempt.CLEAN:
        message = revert_message(commit, grounds, job.request.run_url, step.parent)
        work.read("commit", "--quiet", "--no-verify", "--cleanup=verbatim", "--file=-", stdin=message)
    return attempt is core.Attempt.CLEAN


def _raise_refusal(
    refusal: core.Refusal | None, commit: core.Commit, branch: str, files: Sequence[str] = (), base: str = ""
) -> None:
    if refusal is not None:
        text = refusal_text(refusal, commit, branch, files, base)
        raise NeedsPerson(text, hint=REFUSAL_HINTS[refusal], reason_code=refusal.value)
