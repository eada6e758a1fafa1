"""Checks the limits of reverts without a person on the branch itself, as the remote has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.git import history
from ghmlops.clients.git import credentials
from ghmlops.core.revert.limits import check_count, check_freeze

if TYPE_CHECKING:
    from ghmlops.act.git import Git
    from ghmlops.act.git.history import Remote
    from ghmlops.core.revert.limits import Limits


def check_limits(remote: Remote, tip: str, limits: Limits) -> None:
    """Refuse a revert that the limits exclude.

    Args:
        remote: The branch to revert on.
        tip: Its tip.
        limits: Limits of the policy.

    Raises:
        NeedsPerson: The default branch has the freeze file, or the number of reverts per day is reached.
        GitError: The remote cannot be reached.
    """
    git = remote.git
    if limits.freeze_file:
        default = history.default_branch(git, remote.name)
        newest = tip if default == remote.branch else remote.at(default).fetch()
        check_freeze(limits, default, exists=bool(git.read("ls-tree", "--full-tree", newest, "--", limits.freeze_file)))
    if limits.max_per_day:
        output = git.read("log", "-z", f"--since={limits.since.isoformat()}", "--format=%P%n%B", tip)
        rows = [row.partition("\n") for row in output.split("\0") if row]
        # The oldest commit of a shallow clone has no parents: what came before it is unknown.
        shallow = git.read("rev-parse", "--is-shallow-repository") == "true"
        complete = not shallow or all(parents for parents, _, _ in rows)
        check_count(limits, remote.branch, [message for _, _, message in rows], complete=complete)


def is_frozen(git: Git, *, remote: str, token: str, file: str) -> bool:
    """Return whether the default branch of a remote has the freeze file now, which the checkout may not show yet.

    Args:
        git: Git in the checkout.
        remote: Name of the remote.
        token: Token for a remote over http(s).
        file: Path of the freeze file from the top folder.

    Raises:
        GitError: The remote cannot be reached, or does not name its default branch.
    """
    git = credentials.with_token(git, token, credentials.remote_urls(git, remote))
    with history.remote_branch(git, remote, "") as default:
        return bool(git.read("ls-tree", "--full-tree", default.fetch(), "--", file))
