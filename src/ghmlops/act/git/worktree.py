"""Temporary work trees with the files of another commit; the user's checkout does not change."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.clients.git import client
from ghmlops.clients.git.environment import with_settings
from ghmlops.clients.owned_folders import create_owned_folder, is_abandoned
from ghmlops.core.context import is_sha
from ghmlops.core.errors import GitError, InputError
from ghmlops.core.revert.spec import check_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.clients.git.client import Git

_PREFIX = "ghmlops-tree-"
_SPARSE = (("core.sparseCheckout", "true"), ("core.sparseCheckoutCone", "false"), ("index.sparse", "false"))


@contextlib.contextmanager
def worktree(
    repository: Path, sha: str, *, environ: Mapping[str, str], remote: str = "origin", temp: str = ""
) -> Iterator[Path]:
    """Yield a folder with the files of the commit `sha`; it is removed at the end, after an error or interrupt too.

    A missing commit is fetched from `remote`, into a shallow clone with a depth of 1. The user's branch, index and
    files do not change. Submodules are not checked out; files in Git LFS are, if git-lfs is configured.

    Args:
        repository: A folder inside the repository.
        sha: Full object id; names are rejected.
        environ: Variables to derive git's environment from.
        remote: Remote to fetch a missing commit from.
        temp: Folder for temporary files; empty stands for the default of the system.

    Raises:
        InputError: `sha` is not a full object id.
        GitError: There is no repository, or the commit cannot be fetched.
    """
    if not is_sha(sha):
        raise InputError("expected a commit as a full SHA", hint="`git rev-parse HEAD` prints its 40 digits")
    check_names(remote, "")
    git = client.open_repository(repository, environ)
    if not git.succeeds("cat-file", "-e", f"{sha}^{{commit}}"):
        _fetch_commit(git, remote, sha)
    with detached(git, sha, temp=temp) as work:
        yield work.cwd


@contextlib.contextmanager
def detached(
    git: Git, sha: str, *, temp: str = "", variables: Mapping[str, str] | None = None, files: bool = True
) -> Iterator[Git]:
    """Yield git in a new work tree with the detached commit `sha`; the work tree is always removed at the end.

    Args:
        git: git for the user's repository, which must contain the commit.
        sha: The commit.
        temp: Folder for temporary files; empty stands for the default of the system.
        variables: Additional environment variables for git in the work tree.
        files: Whether the files are checked out; without them, the index alone represents the commit.

    Raises:
        GitError: The work tree cannot be created.
    """
    _sweep(git)
    try:
        parent = create_owned_folder(_PREFIX, temp)
    except OSError as error:
        raise GitError(
            f"cannot create a temporary folder: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR"
        ) from None
    # git names its record of a work tree after the folder, so the name must be unique.
    folder = parent / parent.name
    work = git.in_folder(git.cwd, variables)
    try:
        checkout = () if files else ("--no-checkout",)
        work.read("worktree", "add", "--quiet", *checkout, "--detach", "--", str(folder), sha)
        yield work.in_folder(folder) if files else _without_files(work.in_folder(folder))
    finally:
        # Removing the folder before its record works for an incomplete or locked work tree too, and leaves the records
        # of the user's other work trees alone, which `git worktree prune` would not.
        shutil.rmtree(parent, ignore_errors=True)
        git.run("worktree", "remove", "--force", "--force", "--", str(folder))


def _sweep(git: Git) -> None:
    """Remove the work trees of killed runs: folders of dead processes, and git's records of them.

    git names a record after its folder, so that the name of a record states its owner even if the folder is gone.
    """
    for record in git.run("worktree", "list", "--porcelain", "-z").stdout.split("\0"):
        folder = Path(record.removeprefix("worktree "))
        if record.startswith("worktree ") and is_abandoned(folder.name, _PREFIX) and folder.parent.name == folder.name:
            shutil.rmtree(folder.parent, ignore_errors=True)
            git.run("worktree", "remove", "--force", "--force", "--", str(folder))


def _without_files(work: Git) -> Git:
    """Return git in a work tree whose index has all files, of which none is on disk (a sparse checkout of nothing)."""
    patterns = work.cwd / work.read("rev-parse", "--git-path", "info/sparse-checkout")
    try:
        patterns.parent.mkdir(exist_ok=True)
        patterns.write_bytes(b"")
    except OSError as error:
        raise GitError(f"cannot write {patterns}: {error.strerror}", hint="is the disk full?") from None
    sparse = work.in_folder(work.cwd, with_settings(work.environ, _SPARSE))
    sparse.read("read-tree", "-m", "-u", "HEAD")
    return sparse


def _fetch_commit(git: Git, remote: str, sha: str) -> None:
    # A depth would truncate the history of a complete clone; that of a shallow clone is truncated already.
    shallow = git.read("rev-parse", "--is-shallow-repository") == "true"
    depth = ("--depth=1",) if shallow else ()
    result = git.run(
        "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", *depth, "--", remote, sha,
        timeout=client.REMOTE_TIMEOUT,
    )  # fmt: skip
    if result.exit_code != 0:
        hint = f"does the remote `{remote}` contain {sha[:12]}, and is it reachable?"
        raise client.command_error("fetch", result, hint=hint)
