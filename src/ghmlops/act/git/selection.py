"""Resolves the commits to revert: those that the input `commit` names, or the range that the verdict covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError, NeedsPerson
from ghmlops.core.revert.grounds import Grounds, check_selection, review_cause
from ghmlops.core.revert.mainline import Step, followed_parent, mainline_path
from ghmlops.core.revert.plan import Refusal, merged_commit_count
from ghmlops.core.revert.spec import MAX_COMMITS, MergedPullRequest, Spec
from ghmlops.core.revert.text import REFUSAL_HINTS, refusal_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.act.git.history import Remote
    from ghmlops.clients.git.client import Git

DEEPEN_OPTIONS = ("--deepen=50", "--deepen=500", "--deepen=5000", "--unshallow")
"""Steps by which a shallow clone is deepened until it contains the commits and their parents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which commits to revert, and why."""

    spec: Spec
    grounds: Grounds
    merged: MergedPullRequest | None = None
    """If `spec` names a pull request, its merge."""
    tip_before: str = ""
    """Full SHA of the commit that the branch had before the push of these commits; empty if unknown."""
    single_commit: bool = False
    """Revert one commit of the range that the verdict covers, instead of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The commits to revert on one tip of the branch."""

    tip: str
    steps: tuple[Step, ...]
    """The commits, newest first."""
    base: str = ""
    """The commit whose state the branch should have again, apart from later work; empty if none is known."""
    last: str = ""
    """With a base, the end of the range; later commits of the branch are later work."""
    complete: bool = True
    """Whether the steps lead to the base; not so if one commit of a range is reverted alone."""
    cause: str = ""
    """Why a person must merge the revert; empty if it may be pushed to the branch."""

    @property
    def newest(self) -> str:
        """Full id of the newest commit to revert."""
        return self.steps[0].sha


def select(remote: Remote, request: Request) -> Selection:
    """Fetch the branch, with as much of its history as is needed, and resolve the commits to revert.

    Args:
        remote: The branch.
        request: Which commits to revert, and why.

    Raises:
        InputError: A commit does not exist or is ambiguous, or a range is empty, reversed or too long.
        NeedsPerson: The verdict is not about these commits, or its range is not on the branch.
        GitError: The remote cannot be reached.
    """
    git, grounds, spec = remote.git, request.grounds, request.spec
    tip, ids = _resolve_commits(remote, request)
    judged = _judged_steps(git, grounds)
    names_judged_commit = bool(judged and spec.ids) and ids == [grounds.verdict_commit]
    covers_range = names_judged_commit and not request.single_commit
    if covers_range:
        ids = [step.sha for step in judged]
    _check_verdict(remote, request, ids, judged)
    by_verdict = bool(judged) and (not grounds.by_person or covers_range or request.single_commit)
    if by_verdict:
        steps, base, last = judged, grounds.verdict_base, grounds.verdict_commit
    elif spec.last:
        base, last = _full_id(git, spec.after), ids[0]
        steps = mainline_path(history.descendants(git, base, last), last, base)
    else:
        steps, base, last = [], "", ""
    parents = {step.sha: step for step in steps}
    return Selection(
        tip=tip,
        steps=tuple(parents.get(sha) or _step(remote, request, sha) for sha in ids),
        base=base,
        last=last,
        complete=set(ids) >= set(parents),
        cause=review_cause(grounds, request.tip_before, len(judged)) if by_verdict else "",
    )


def _judged_steps(git: Git, grounds: Grounds) -> list[Step]:
    """Return the commits by which the branch went from the base of the verdict to the judged commit, newest first."""
    base, commit = grounds.verdict_base, grounds.verdict_commit
    if not base or not history.contains(git, base, commit):
        return []
    return mainline_path(history.descendants(git, base, commit), commit, base)


def _check_verdict(remote: Remote, request: Request, ids: Sequence[str], judged: Sequence[Step]) -> None:
    git, grounds = remote.git, request.grounds
    if not grounds.verdict_commit:
        return
    inside = {grounds.verdict_commit}
    if judged:
        inside = set(git.read("rev-list", f"{grounds.verdict_base}..{grounds.verdict_commit}").split())
    check_selection(grounds, ids, [step.sha for step in judged], inside, single_commit=request.single_commit)
    if grounds.verdict_base and not judged:
        commit = history.read_commit(git, ids[0])
        refusal = Refusal.BASE_NOT_ON_BRANCH
        text = refusal_text(refusal, commit, remote.branch, base=grounds.verdict_base)
        raise NeedsPerson(text, hint=REFUSAL_HINTS[refusal], reason_code=refusal.value)
    if len(judged) > MAX_COMMITS and not grounds.by_person:
        raise NeedsPerson(
            f"the verdict covers {len(judged)} commits, more than {MAX_COMMITS}",
            hint="revert the bad commits among them with --reason",
            reason_code="range-too-long",
        )


def _step(remote: Remote, request: Request, sha: str) -> Step:
    """Return a commit with the parent that the branch followed (0 if unknown), if it was selected by its id."""
    git = remote.git
    parents = history.read_commit(git, sha).parents
    if len(parents) < 2:
        return Step(sha=sha)
    merged = request.merged
    if merged is not None and merged.head and merged.sha == sha:
        others = [n for n, parent in enumerate(parents, 1) if not history.contains(git, merged.head, parent)]
        return Step(sha=sha, parent=others[0] if len(others) == 1 else 0)
    for tip_before in (request.tip_before, request.grounds.verdict_base):
        if tip_before in parents:
            return Step(sha=sha, parent=parents.index(tip_before) + 1)
        if tip_before and _is_shallow(git):
            remote.fetch("--unshallow")  # a second line from the earlier tip to the merge could be hidden
        if tip_before and history.contains(git, tip_before, sha):
            return Step(sha=sha, parent=followed_parent(history.descendants(git, tip_before, sha), sha, tip_before))
    return Step(sha=sha, parent=0)


def _resolve_commits(remote: Remote, request: Request) -> tuple[str, list[str]]:
    """Return the tip of the branch, and the full ids of the commits that `spec` names, newest first."""
    git = remote.git
    bases = {request.tip_before, request.grounds.verdict_base} - {""}
    tip = remote.fetch()
    for option in (*DEEPEN_OPTIONS, ""):
        ids, problem = _resolve(git, request.spec, request.merged)
        complete = ids and all(_is_complete(remote, sha, tip) for sha in ids)
        if complete and all(history.contains(git, sha, tip) for sha in bases):
            break
        if not option or not _is_shallow(git):
            break
        tip = remote.fetch(option)
    if problem:
        raise InputError(f"input `commit`: {problem}", hint="use the full SHA that `git log` prints")
    return tip, ids


def _is_shallow(git: Git) -> bool:
    return git.read("rev-parse", "--is-shallow-repository") == "true"


def _is_complete(remote: Remote, sha: str, tip: str) -> bool:
    """Return whether a commit is on the branch and its parents exist: a shallow clone hides nothing of it."""
    parents = history.read_commit(remote.git, sha).parents
    return remote.contains(sha, tip) and all(remote.git.succeeds("cat-file", "-e", parent) for parent in parents)


def _resolve(git: Git, spec: Spec, merged: MergedPullRequest | None) -> tuple[list[str], str]:
    """Return the full ids, newest first, or else the problem."""
    if merged is not None:
        return _resolve_merged(git, merged)
    full_ids = [_full_id(git, text) for text in spec.ids or (spec.after, spec.last)]
    problems = [text for text in full_ids if not is_sha(text)]
    if problems:
        return [], problems[0]
    if spec.ids:
        return _newest_first(git, list(dict.fromkeys(full_ids))), ""
    after, last = full_ids
    if not history.contains(git, after, last):
        return [], f"{after[:12]} is not an ancestor of {last[:12]}"
    steps = mainline_path(history.descendants(git, after, last), last, after)
    if not steps or len(steps) > MAX_COMMITS:
        return [], f"the range contains {'no commit' if not steps else f'more than {MAX_COMMITS} commits'}"
    return [step.sha for step in steps], ""


def _resolve_merged(git: Git, merged: MergedPullRequest) -> tuple[list[str], str]:
    if not git.succeeds("cat-file", "-e", f"{merged.sha}^{{commit}}"):
        return [], f"the merged commit {merged.sha[:12]} is not in the history of the branch"
    count = len(merged.messages)
    on_branch = git.read("rev-list", "--first-parent", f"--max-count={max(count, 1)}", merged.sha).split()
    if len(history.read_commit(git, merged.sha).parents) != 1:
        return [merged.sha], ""
    messages = [history.read_commit(git, sha).message for sha in reversed(on_branch)]
    return on_branch[: merged_commit_count(merged.messages, messages)], ""


def _full_id(git: Git, text: str) -> str:
    """Return the full id of a commit, or else the problem; names of branches and tags are not looked up."""
    if is_sha(text):
        objects = [text] if git.succeeds("cat-file", "-e", text) else []
    else:
        objects = git.read("rev-parse", f"--disambiguate={text}").split()
    commits = [sha for sha in objects if git.read("cat-file", "-t", sha) == "commit"]
    if len(commits) == 1:
        return commits[0]
    problem = "ambiguous" if commits else "not a commit" if objects else "neither in this repository nor on the remote"
    return f"{text[:12]} is {problem}"


def _newest_first(git: Git, ids: list[str]) -> list[str]:
    """Sort so that a commit precedes its ancestors, by the number of ancestors."""
    if len(ids) == 1:
        return ids
    return sorted(ids, key=lambda sha: -int(git.read("rev-list", "--count", sha)))
