"""The selection of the commits to revert, and the names of remote and branch. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ghmlops.core.errors import InputError

MAX_COMMITS = 50
"""Maximum commits of one revert."""
_HEX = re.compile(r"[0-9a-f]{7,64}")
_RANGE = re.compile(r"([0-9a-f]{7,64})\.\.([0-9a-f]{7,64})")
_DEPLOYMENT = re.compile(r"deployment:([1-9][0-9]{0,17})")
_PULL_REQUEST = re.compile(r"#([1-9][0-9]{0,9})")
_REMOTE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_BRANCH = re.compile(r"[A-Za-z0-9_][^\x00-\x20\x7f~^:?*\[\\]{0,243}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The commits that the input `commit` selects: object ids, or a range, a pull request, or a deployment."""

    ids: tuple[str, ...] = ()
    """Full object ids, or abbreviations of at least seven digits."""
    after: str = ""
    """Start of a range, exclusive."""
    last: str = ""
    """End of a range, inclusive."""
    pull_request: int | None = None
    deployment: int | None = None
    """Id of a failed deployment on GitHub, whose range is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPullRequest:
    """A merged pull request as GitHub describes it."""

    sha: str
    """The commit on the base branch: a merge commit, a squash commit, or the last of the rebased commits."""
    base: str
    """Name of the base branch."""
    messages: tuple[str, ...]
    """Messages of the commits of the pull request, oldest first; GitHub lists at most 250."""
    head: str = ""
    """Last commit of the pull request itself, which tells a merge commit's parents apart; empty if unknown."""


def parse_spec(text: str) -> Spec:
    """Return the selection of the input `commit`: a SHA, a comma list, a range `A..B`, `#PR`, or `deployment:ID`.

    A range is without A.

    Raises:
        InputError: The text has none of these forms. Names of branches and tags are rejected, because they move.
    """
    value = text.strip()
    lower = value.lower()
    if match := _PULL_REQUEST.fullmatch(value):
        return Spec(pull_request=int(match[1]))
    if match := _DEPLOYMENT.fullmatch(lower):
        return Spec(deployment=int(match[1]))
    if match := _RANGE.fullmatch(lower):
        return Spec(after=match[1], last=match[2])
    ids = tuple(dict.fromkeys(part.strip() for part in lower.split(",")))
    if len(ids) <= MAX_COMMITS and all(_HEX.fullmatch(part) for part in ids):
        return Spec(ids=ids)
    raise InputError(
        f"input `commit`: expected at most {MAX_COMMITS} commits, got {len(ids)}"
        if len(ids) > MAX_COMMITS
        else f'input `commit`: expected commits, got "{one_line(value, 80)}"',
        hint="use a SHA of at least 7 digits, several separated by commas, a range A..B, a pull request like #12, or "
        "deployment:ID",
    )


def check_names(remote: str, branch: str) -> None:
    """Reject names that git could interpret as an option, as another kind of reference, or as a path.

    An empty `branch` stands for the default branch of the remote.

    Raises:
        InputError: A name is invalid; the message names the input.
    """
    if not _REMOTE.fullmatch(remote) or ".." in remote:
        raise InputError(
            f'input `remote`: "{one_line(remote, 80)}" is not a valid name of a remote',
            hint="for example --remote origin",
        )
    parts = branch.split("/")
    invalid = ".." in branch or "@{" in branch or any(p.startswith(".") or p.endswith((".", ".lock")) for p in parts)
    if branch and (not _BRANCH.fullmatch(branch) or invalid or "" in parts or not branch.isprintable()):
        raise InputError(
            f'input `branch`: "{one_line(branch, 80)}" is not a valid name of a branch',
            hint="for example --branch main",
        )


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line of at most `limit` printable characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
