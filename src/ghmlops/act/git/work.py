"""Reverts one change in the work tree and index of a temporary work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.act.git.worktree import detached
from ghmlops.clients.git import client
from ghmlops.core.revert.plan import Attempt

if TYPE_CHECKING:
    import contextlib

    from ghmlops.clients.git.client import Git
    from ghmlops.core.revert.mainline import Step

BOT_NAME = "github-actions[bot]"
BOT_EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"
VARIABLES = {
    # Leaves the pointers of Git LFS in place of the files; they are enough to revert a change.
    "GIT_LFS_SKIP_SMUDGE": "1",
    # Always the bot, whatever identity the runner or the user has configured.
    "GIT_AUTHOR_NAME": BOT_NAME,
    "GIT_AUTHOR_EMAIL": BOT_EMAIL,
    "GIT_COMMITTER_NAME": BOT_NAME,
    "GIT_COMMITTER_EMAIL": BOT_EMAIL,
}
_BUILT_IN = {"unspecified", "set", "unset", "text", "binary", "union"}
"""Values of the attribute `merge` that name no driver of git's configuration."""
_NOT_MERGED = {"unset", "binary", "union"}
"""Values with which the result of a merge is not what a person who reads the lines would write."""
_EXACT_RENAMES = ("-X", "find-renames=100%")
"""A later edit follows a file that was renamed unchanged; of files that merely resemble each other, none is guessed."""


def work_tree(git: Git, sha: str, temp: str) -> contextlib.AbstractContextManager[Git]:
    """Return a context with git in a temporary work tree of the commit `sha`, in which the bot commits.

    No file is checked out: filters do not run, and files that differ from what their attributes demand (line ends, for
    example) do not look like local changes, with which git would refuse to revert.
    """
    return detached(git, sha, temp=temp, variables=VARIABLES, files=False)


def apply_revert(work: Git, step: Step, *, merge: bool) -> tuple[Attempt, list[str]]:
    """Revert one commit in the work tree and its index; after a conflict, both are as before.

    Args:
        work: git in the work tree.
        step: The commit, and the parent whose state is restored.
        merge: Whether the commit is a merge.

    Returns:
        The result, and the paths of the files in conflict.
    """
    mainline = ("-m", str(step.parent)) if merge else ()
    return _apply(work, "revert", (*mainline, step.sha))


def apply_return(work: Git, base: str, last: str) -> tuple[Attempt, list[str]]:
    """Apply the difference from the state of `last` back to that of `base`, as one change.

    Args:
        work: git in the work tree.
        base: The commit whose state is the good one.
        last: The end of the range to revert.

    Returns:
        The result, and the paths of the files in conflict.
    """
    inverse = work.read("commit-tree", f"{base}^{{tree}}", "-p", last, "-m", "inverse")
    return _apply(work, "cherry-pick", ("--allow-empty", inverse))


def hidden_conflicts(work: Git, old: str, new: str) -> list[str]:
    """Return the paths that HEAD and the change from `old` to `new` both touch, and that are not merged line by line.

    With `merge=union` git keeps both versions, and a driver of git's configuration may do anything: neither reports a
    conflict, so the change might not be undone. Files with `-merge` or `binary` must not be merged at all.

    Args:
        work: git in the work tree.
        old: The commit before the change.
        new: The commit with the change.
    """
    later = history.changed_paths(work, new, "HEAD")
    paths = [path for path in history.changed_paths(work, old, new) if path in later] if later else []
    if any(later[path] == "D" for path in paths):
        paths += [path for path, status in later.items() if status == "A"]  # it may have been renamed
    fields = work.read("check-attr", "-z", "--stdin", "merge", stdin="\0".join(paths)).split("\0") if paths else []
    drivers = dict(zip(fields[::3], fields[2::3], strict=False))
    custom = {name for name in set(drivers.values()) - _BUILT_IN if work.succeeds("config", f"merge.{name}.driver")}
    # The attributes of a name that is not UTF-8 cannot be asked for.
    return [path for path, name in drivers.items() if name in _NOT_MERGED | custom or "\ufffd" in path]


def _apply(work: Git, command: str, args: tuple[str, ...]) -> tuple[Attempt, list[str]]:
    result = work.run(command, "--no-commit", *_EXACT_RENAMES, *args)
    if result.exit_code == 0:
        unchanged = work.succeeds("diff", "--cached", "--quiet", "--no-ext-diff", "HEAD")
        return (Attempt.EMPTY if unchanged else Attempt.CLEAN), []
    conflicts = [name for name in work.read("diff", "--name-only", "--diff-filter=U", "-z").split("\0") if name]
    if not conflicts:
        raise client.command_error(command, result)
    work.run(command, "--quit")
    work.read("reset", "--quiet", "--hard")
    return Attempt.CONFLICT, conflicts
