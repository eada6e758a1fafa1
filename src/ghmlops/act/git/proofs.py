"""What trees prove about earlier reverts; the message of a commit only says which trees to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.act.git.work import apply_revert, work_tree
from ghmlops.core.revert.mainline import Step
from ghmlops.core.revert.plan import Attempt, Commit, EarlierRevert
from ghmlops.core.revert.spec import MAX_COMMITS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ghmlops.clients.git.client import Git

MAX_PROOFS = 20
"""Maximum number of claims that are examined per commit, because each one requires a work tree."""
MAX_PATHS = 500
"""Maximum number of paths in the arguments of git."""


def earlier_revert(git: Git, commit: Commit, tip: str, selected: Collection[str], temp: str) -> EarlierRevert:
    """Return what later commits of the branch prove about an earlier revert of `commit`.

    Args:
        git: git for the user's repository.
        commit: The commit to revert.
        tip: Tip of the branch.
        selected: Full ids of all commits to revert, which prove nothing about each other.
        temp: Folder for temporary files; empty stands for the default of the system.
    """
    claims = history.revert_claims(git, commit.sha, tip)
    candidates = [c for c in claims if c.claims_to_revert(commit.sha) and c.sha not in selected][:MAX_PROOFS]
    inverses = [candidate for candidate in candidates if is_exact_inverse(git, [commit], candidate, temp)]
    if not inverses:
        return EarlierRevert.NONE
    last = inverses[-1]
    undone = [c for c in claims if c.claims_to_revert(last.sha)][:MAX_PROOFS]
    if any(is_exact_inverse(git, [last], other, temp) for other in undone) or _applied_again(git, commit, last, tip):
        return EarlierRevert.UNDONE
    return EarlierRevert.IN_FORCE


def is_own_revert(git: Git, commit: Commit, temp: str) -> bool:
    """Return whether a commit has the trailers of ghmlops, and its tree is that after the reverts that they name."""
    if not commit.parents or not 0 < len(commit.trailers) <= MAX_COMMITS:
        return False
    if not all(history.contains(git, sha, commit.parents[0]) for sha in commit.trailers):
        return False
    return is_exact_inverse(git, [history.read_commit(git, sha) for sha in commit.trailers], commit, temp)


def is_exact_inverse(git: Git, commits: Sequence[Commit], other: Commit, temp: str) -> bool:
    """Return whether reverting `commits` in order on the parent of `other` yields the tree of `other`.

    Args:
        git: git for the user's repository.
        commits: The commits that are reverted, newest first.
        other: The commit that may be their revert.
        temp: Folder for temporary files; empty stands for the default of the system.
    """
    if not other.parents or not all(commit.parents for commit in commits):
        return False
    expected = git.read("rev-parse", "--verify", "--quiet", f"{other.sha}^{{tree}}")
    # A merge is reverted to one of its parents; for several commits, to the first one that the tree allows.
    lines = [[Step(sha=c.sha, parent=n) for n in range(1, len(c.parents) + 1)] for c in commits]
    with work_tree(git, other.parents[0], temp) as work:
        for steps in lines[:-1]:
            if not any(_commit_revert(work, step, merge=len(steps) > 1) for step in steps):
                return False
        for step in lines[-1]:
            attempt, _ = apply_revert(work, step, merge=len(lines[-1]) > 1)
            if attempt is not Attempt.CONFLICT and work.read("write-tree") == expected:
                return True
            work.read("reset", "--quiet", "--hard")
    return False


def _commit_revert(work: Git, step: Step, *, merge: bool) -> bool:
    attempt, _ = apply_revert(work, step, merge=merge)
    if attempt is Attempt.CLEAN:
        work.read("commit", "--quiet", "--no-verify", "--message=step")
    return attempt is not Attempt.CONFLICT


def _applied_again(git: Git, commit: Commit, revert: Commit, tip: str) -> bool:
    """Return whether a commit after `revert` makes the same change as `commit`, for example a cherry-pick of it."""
    options = ("-p", "--no-ext-diff", "--no-textconv", "--no-renames")
    change = git.read("diff-tree", *options, commit.parents[0], commit.sha)
    paths = tuple(history.changed_paths(git, commit.parents[0], commit.sha))
    limit = ("--", *paths) if len(paths) <= MAX_PATHS else ()
    later = git.read(
        "--literal-pathspecs", "log", *options, "--no-merges", "--format=commit %H", f"{revert.sha}..{tip}", *limit
    )
    return bool(set(_patch_ids(git, change)) & set(_patch_ids(git, later)))


def _patch_ids(git: Git, patch: str) -> list[str]:
    output = git.read("patch-id", "--stable", stdin=f"{patch}\n")
    return [line.split()[0] for line in output.splitlines()]
