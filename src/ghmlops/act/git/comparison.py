"""Compares the branch after a revert with the state that it should have: that of the base, plus later work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.act.git.work import apply_return
from ghmlops.core.revert.plan import Attempt

if TYPE_CHECKING:
    from ghmlops.clients.git.client import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedState:
    """The state of the branch after a complete revert of the commits after `base` up to `last`."""

    base: str
    tree: str
    """The tree; empty if later work changed the same lines, so that no single tree is right."""
    later: frozenset[str]
    """Paths that later work changed."""

    def is_reached(self, git: Git, head: str) -> bool:
        """Return whether the tree of `head` proves that nothing of the range is left."""
        return bool(self.tree) and not history.changed_paths(git, self.tree, head)

    def differences(self, git: Git, head: str) -> list[str]:
        """Return the paths by which `head` differs from this state; those that only later work explains are left out.

        Args:
            git: git for the user's repository.
            head: A commit on top of the branch.
        """
        if self.tree:
            return sorted(history.changed_paths(git, self.tree, head))
        return sorted(path for path in history.changed_paths(git, self.base, head) if path not in self.later)


def expected_state(work: Git, base: str, last: str) -> ExpectedState:
    """Return the state after a complete revert on HEAD: the difference between `last` and `base`, undone at once.

    Args:
        work: git in a work tree with the tip of the branch, which is unchanged afterwards.
        base: The commit whose state is the good one.
        last: The end of the range to revert.
    """
    later = frozenset(history.changed_paths(work, last, "HEAD"))
    if not later:
        return ExpectedState(base=base, tree=f"{base}^{{tree}}", later=later)
    clean = apply_return(work, base, last)[0] is not Attempt.CONFLICT
    tree = work.read("write-tree") if clean else ""
    work.read("reset", "--quiet", "--hard")
    return ExpectedState(base=base, tree=tree, later=later)
