"""Reads a branch of a remote: its tip, its commits, and how they descend from each other."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.clients.git import client
from ghmlops.clients.git.private_refs import OTHER, private_ref
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.revert.plan import Commit
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.clients.git.client import Git


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """One branch of a remote; during the work, a private reference of the user's repository points to its tip."""

    git: Git
    name: str
    branch: str
    ref: str

    def fetch(self, *options: str) -> str:
        """Fetch the branch and return its tip; the user's own references do not change.

        Raises:
            InputError: The remote has no such branch.
            GitError: The remote cannot be reached.
        """
        result = self.git.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *options, "--", self.name,
            f"+refs/heads/{self.branch}:{self.ref}", timeout=client.REMOTE_TIMEOUT,
        )  # fmt: skip
        if result.exit_code == 0:
            return self.git.read("rev-parse", "--verify", "--quiet", self.ref)
        if "couldn't find remote ref" in result.stderr:
            raise InputError(
                f"the remote `{self.name}` has no branch `{self.branch}`", hint="for example --branch main"
            )
        raise client.command_error("fetch", result, hint=f"is the remote `{self.name}` reachable and readable?")

    def at(self, branch: str) -> Remote:
        """Return another branch of the same remote."""
        return Remote(git=self.git, name=self.name, branch=branch, ref=f"{self.ref}{OTHER}")

    def tip_of(self, branch: str) -> str:
        """Return the present tip of a branch on the remote, or an empty string if there is no such branch.

        Raises:
            GitError: The remote cannot be reached.
        """
        ref = f"refs/heads/{branch}"
        result = self.git.run("ls-remote", "--", self.name, ref, timeout=client.REMOTE_TIMEOUT)
        if result.exit_code != 0:
            raise client.command_error("ls-remote", result, hint=f"is the remote `{self.name}` reachable?")
        return result.stdout.split("\t")[0].strip()

    def contains(self, sha: str, tip: str) -> bool:
        """Return whether the repository has both commits, and `sha` is `tip` or one of its ancestors."""
        return contains(self.git, sha, tip)


@contextlib.contextmanager
def remote_branch(git: Git, name: str, branch: str) -> Iterator[Remote]:
    """Yield a branch of a remote (empty: its default branch) and remove the private references at the end.

    Raises:
        GitError: The remote cannot be reached, or does not name its default branch.
    """
    with private_ref(git) as ref:
        yield Remote(git=git, name=name, branch=branch or default_branch(git, name), ref=ref)


def default_branch(git: Git, name: str) -> str:
    """Return the name of the default branch of a remote.

    Raises:
        GitError: The remote cannot be reached, or does not name its default branch.
    """
    result = git.run("ls-remote", "--symref", "--", name, "HEAD", timeout=client.REMOTE_TIMEOUT)
    if result.exit_code != 0:
        raise client.command_error("ls-remote", result, hint=f"is the remote `{name}` reachable and readable?")
    for line in result.stdout.splitlines():
        if line.startswith("ref: refs/heads/"):
            branch = line.removeprefix("ref: refs/heads/").partition("\t")[0]
            check_names(name, branch)
            return branch
    raise GitError(f"the remote `{name}` does not name its default branch", hint="name a branch with --branch")


def read_commit(git: Git, sha: str) -> Commit:
    """Return a commit with its real parents, even if a shallow clone hides them.

    Raises:
        GitError: The repository does not contain the commit.
    """
    header, _, message = git.read("cat-file", "commit", sha).partition("\n\n")
    parents = tuple(line.removeprefix("parent ") for line in header.splitlines() if line.startswith("parent "))
    return Commit(sha=sha, parents=parents, message=message)


def revert_claims(git: Git, sha: str, tip: str) -> list[Commit]:
    """Return the commits after `sha` whose message claims to revert some commit, oldest first."""
    output = git.read(
        "log", "-z", "--reverse", "--topo-order", "--fixed-strings", "--grep=This reverts commit ",
        "--grep=Ghmlops-Reverts: ", "--format=%H%n%P%n%B", f"{sha}..{tip}",
    )  # fmt: skip
    rows = [record.split("\n", 2) for record in output.split("\0") if record]
    return [Commit(sha=row[0], parents=tuple(row[1].split()), message=row[2]) for row in rows]


def contains(git: Git, sha: str, tip: str) -> bool:
    """Return whether the repository has both commits, and `sha` is `tip` or one of its ancestors."""
    return git.succeeds("merge-base", "--is-ancestor", sha, tip)


def descendants(git: Git, base: str, last: str) -> dict[str, tuple[str, ...]]:
    """Return the commits that descend from `base` and are `last` or its ancestors, each with all of its parents."""
    output = git.read("rev-list", "--parents", "--ancestry-path", f"{base}..{last}")
    rows = [line.split() for line in output.splitlines()]
    return {row[0]: tuple(row[1:]) for row in rows}


def changed_paths(git: Git, old: str, new: str) -> dict[str, str]:
    """Return the paths that differ between two trees, each with A (added), D (deleted), M or T (type changed).

    A renamed file counts with both of its paths.
    """
    fields = git.read("diff-tree", "-r", "-z", "--no-renames", "--name-status", old, new).split("\0")
    return dict(zip(fields[1::2], fields[::2], strict=False))
