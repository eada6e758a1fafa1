"""Reads commits: what a change alters, its merge base, and one file of a commit. Nothing of them is run."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import read
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ = "contents: read"
MAX_FILES = 300
"""Files that GitHub lists in a comparison; if it lists as many, there may be more."""


class _Commit(msgspec.Struct, frozen=True):
    sha: str


class _File(msgspec.Struct, frozen=True):
    filename: str
    previous_filename: str = ""


class _Comparison(msgspec.Struct, frozen=True):
    merge_base_commit: _Commit
    files: list[_File] = []


class _Content(msgspec.Struct, frozen=True):
    type: str
    encoding: str = ""
    content: str = ""


class Comparison(NamedTuple):
    """What a head changes since it left its base."""

    merge_base: str
    """Full SHA of the newest common ancestor."""
    files: frozenset[str]
    """Paths from the top folder; a renamed file counts with both of its paths."""
    complete: bool
    """Whether all files are listed."""


def compare(client: Client, base: str, head: str) -> Comparison:
    """Return what `head` changes since its newest common ancestor with `base`, also if one is in a fork.

    Raises:
        GitHubError: GitHub does not know a commit (reason code `not-found`), or rejected the request.
    """
    comparison = read(
        client,
        f"compare/{base}...{head}",
        _Comparison,
        activity=f"comparing {head[:12]} with {base[:12]}",
        permission=READ,
        parameters={"per_page": 1},
    )
    names = (name for file in comparison.files for name in (file.filename, file.previous_filename) if name)
    return Comparison(comparison.merge_base_commit.sha, frozenset(names), len(comparison.files) < MAX_FILES)


def read_file(client: Client, path: str, commit: str) -> bytes | None:
    """Return the content of a file of a commit; `None` if the commit has no such file, or it is a link or too large.

    Args:
        client: The connection.
        path: Path from the top folder of the repository.
        commit: Full SHA; one of a fork is known to the repository through its pull request.

    Raises:
        GitHubError: GitHub rejected the request for another reason than an unknown file.
    """
    activity = f"reading {path} of {commit[:12]}"
    address = f"contents/{quote(path)}"
    try:
        file = read(client, address, _Content, activity=activity, permission=READ, parameters={"ref": commit})
    except GitHubError as error:
        if error.reason_code == "not-found":
            return None
        raise
    if file.type != "file" or file.encoding != "base64":
        return None
    try:
        return base64.b64decode(file.content)
    except binascii.Error:
        return None
