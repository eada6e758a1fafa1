"""Response of a remote to a push, or of GitHub's API to commits."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class PushResult(StrEnum):
    """Response of a remote to a push, or of GitHub's API to commits."""

    DONE = "done"
    MOVED = "moved"
    """The branch has another tip than expected: fetch and try again."""
    PROTECTED = "branch-protected"
    """A rule or a hook of the remote rejected the push."""
    FORBIDDEN = "push-forbidden"
    """The credentials do not allow writing."""
    UNKNOWN = "unknown"
    """No response for this branch: it is unknown whether the push succeeded."""


class Published(NamedTuple):
    """What became of commits that were sent to a branch."""

    result: PushResult
    message: str
    """Message of the remote, on one line."""
    sha: str
    """The last commit as it is on the remote; empty if it is not there."""
