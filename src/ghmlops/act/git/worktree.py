"""A temporary folder with the files of another commit, beside the user's checkout, which stays as it is."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.clients.git import client
from ghmlops.core.context import is_sha
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.revert.plan import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.clients.git.client import Git


@contextlib.contextmanager
def worktree(
    repository: Path, sha: str, *, environ: Mapping[str, str], remote: str = "origin", temp: str = ""
) -> Iterator[Path]:
    """Yield a folder with the files of the commit `sha`; it is removed on leaving, on an error and on an interrupt.

    A commit that is not there is fetched from `remote`; into a shallow clone with a depth of 1. The user's branch,
    index and files are not touched. Submodules are not filled; files in Git LFS are, where git-lfs is set up.

    Args:
        repository: any folder inside the repository.
        sha: full object id; names are refused.
        environ: variables for git.
        remote: where to fetch a missing commit from.
        temp: folder for temporary files; the system's where empty.

    Raises:
        InputError: `sha` is not a full object id.
        GitError: no repository, or the commit cannot be had.
    """
    if not is_sha(sha):
        raise InputError("a commit is given by its full SHA here", hint="40 hexadecimal digits: git rev-parse HEAD")
    check_names(remote, "")
    git = client.open_repository(repository, environ)
    if not git.succeeds("cat-file", "-e", f"{sha}^{{commit}}"):
        _fetch_commit(git, remote, sha)
    with detached(git, sha, temp=temp) as found:
        yield found.cwd


@contextlib.contextmanager
def detached(git: Git, sha: str, *, temp: str = "", extra: Mapping[str, str] | None = None) -> Iterator[Git]:
    """Yield git in a fresh detached work tree of a commit that is there; always removed.

    Raises:
        GitError: it cannot be made.
    """
    try:
        home = Path(tempfile.mkdtemp(prefix="ghmlops-tree-", dir=temp or None))
    except OSError as error:
        raise GitError(f"no temporary folder: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR") from None
    tree = home / home.name  # git names its record of a work tree after the folder: this one is unique
    inside = git.in_folder(git.cwd, extra)
    try:
        inside.read("worktree", "add", "--quiet", "--detach", "--", str(tree), sha)
        yield inside.in_folder(tree)
    finally:
        # Removed by hand and then struck from git's records: works on a half-made, locked work tree too, and leaves
        # the records of the user's other work trees alone (`prune` would not).
        shutil.rmtree(home, ignore_errors=True)
        git.run("worktree", "remove", "--force", "--force", "--", str(tree))


def _fetch_commit(git: Git, remote: str, sha: str) -> None:
    # A depth would cut the history of a complete clone; a shallow one is cut already.
    shallow = git.read("rev-parse", "--is-shallow-repository") == "true"
    depth = ("--depth=1",) if shallow else ()
    result = git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *depth, "--", remote, sha,
        timeout=client.REMOTE_TIMEOUT,
    )  # fmt: skip
    if result.exit_code != 0:
        raise client.command_error(
            "fetch", result, hint=f"is {sha[:12]} on the remote `{remote}`, and can it be reached?"
        )
