"""Reads and moves a branch through the API: forward only, and a lost response is looked up before it is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import read, write
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client

READ, WRITE = "contents: read", "contents: write"
MAX_DEPTH = 20
"""Commits of a branch that are searched for one that was created before."""


class BranchRefused(GitHubError):
    """GitHub did not accept that a branch moves: a rule forbids it, or the branch has another tip."""

    @classmethod
    def of(cls, error: GitHubError) -> BranchRefused:
        """Return the error about the same response."""
        return cls(error.message, hint=error.hint, reason_code=error.reason_code)


class _Id(msgspec.Struct, frozen=True):
    sha: str


class _Ref(msgspec.Struct, frozen=True):
    ref: str
    object: _Id


class _Verification(msgspec.Struct, frozen=True):
    verified: bool = False
    reason: str = ""


class CommitObject(msgspec.Struct, frozen=True):
    """A commit as GitHub stores it."""

    sha: str
    tree: _Id
    parents: list[_Id]
    message: str
    verification: _Verification = _Verification()


def branch_tip(client: Client, branch: str) -> str:
    """Return the tip of a branch; empty if there is no such branch.

    Raises:
        GitHubError: GitHub rejected the request.
    """
    address, activity = f"git/matching-refs/heads/{quote(branch)}", f"reading the branch {branch}"
    refs = read(client, address, list[_Ref], activity=activity, permission=READ)
    return next((ref.object.sha for ref in refs if ref.ref == f"refs/heads/{branch}"), "")


def find_commit(client: Client, branch: str, tip: str, matches: Callable[[CommitObject], bool]) -> CommitObject | None:
    """Return the newest commit of a branch that matches, from its tip down to `tip`, inclusive; `None` without one.

    Args:
        client: The connection.
        branch: Name of the branch.
        tip: Full SHA of the commit below which nothing is searched.
        matches: The condition.

    Raises:
        GitHubError: GitHub rejected a request.
    """
    sha = branch_tip(client, branch)
    for _ in range(MAX_DEPTH):
        if not sha:
            return None
        activity = f"reading commit {sha[:12]}"
        commit = read(client, f"git/commits/{sha}", CommitObject, activity=activity, permission=READ)
        if matches(commit):
            return commit
        sha = commit.parents[0].sha if commit.parents and commit.sha != tip else ""
    return None


def advance_branch(client: Client, branch: str, sha: str, tip: str) -> None:
    """Move a branch forward to a commit, or create it; a branch that contains the commit stays as it is.

    Args:
        client: The connection.
        branch: Name of the branch.
        sha: Full SHA of the commit, a descendant of `tip`.
        tip: Full SHA of the commit on which it was created.

    Raises:
        BranchRefused: GitHub does not accept it, for example because it is no fast-forward.
        GitHubError: GitHub rejected a request for another reason.
    """

    def find_existing() -> object | None:
        return find_commit(client, branch, tip, lambda commit: commit.sha == sha)

    existing = branch_tip(client, branch)
    if existing == sha:
        return
    method, address = "POST", "git/refs"
    body: dict[str, object] = {"ref": f"refs/heads/{branch}", "sha": sha}
    if existing:
        method, address, body = "PATCH", f"git/refs/heads/{quote(branch)}", {"sha": sha, "force": False}
    try:
        write(
            client, method, address, object, body=body, activity=f"moving {branch} to {sha[:12]}", permission=WRITE,
            find_existing=find_existing,
        )  # fmt: skip
    except GitHubError as error:
        # A later push may follow one whose response was lost.
        if error.reason_code != "github-refused":
            raise
        if find_existing() is None:
            raise BranchRefused.of(error) from None
