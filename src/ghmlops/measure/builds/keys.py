"""Keys and digests of builds: what was built, where it can be used, and what it contains."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from ghmlops.measure.builds.environment import python_facts
from ghmlops.measure.checkout import LOCK_FILES, git_read, top_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


def commit_key(cwd: Path, sha: str, build: str) -> str:
    """Return the key of what is built: the files of the commit, lock files, shell text and folder of the service.

    Args:
        cwd: folder of the service in the checkout.
        sha: the commit.
        build: shell text of the build.

    Returns:
        32 hexadecimal digits; empty if the checkout does not have the commit.
    """
    tree = git_read(cwd, "rev-parse", "--verify", "--quiet", f"{sha}^{{tree}}")
    locks = [git_read(cwd, "rev-parse", "--verify", "--quiet", f"{sha}:./{name}") for name in LOCK_FILES]
    folder = os.path.relpath(cwd.resolve(), top_folder(cwd) or cwd.resolve())
    return _short([tree, *locks, build, folder]) if tree else ""


def machine_key(commit: str, folder: Path, environ: Mapping[str, str]) -> str:
    """Return the key of a build on this machine: of what is built, by which Python with which packages, and where.

    An environment contains the paths of its folder, and leaves out what the packages of the workflow provide.

    Args:
        commit: key of what is built.
        folder: folder that the builds are in.
        environ: variables of the job.
    """
    return _short([commit, python_facts(environ), str(folder)])


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 over the names, kinds and contents of everything in a folder, as hexadecimal digits.

    Times and permissions do not count, except whether the owner may execute a file.

    Raises:
        OSError: A file cannot be read.
    """
    total = hashlib.sha256()
    for path in _entries(folder):
        mode = path.lstat().st_mode
        kind, content = str(stat.S_IFMT(mode)), b""
        if stat.S_ISLNK(mode):
            content = os.fsencode(os.readlink(path))
        elif stat.S_ISREG(mode):
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            kind += "x" if mode & stat.S_IXUSR else ""
        for part in (os.fsencode(path.relative_to(folder)), kind.encode(), content):
            total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()


def _entries(folder: Path) -> Iterator[Path]:
    """Yield everything below a folder in a fixed order; links are not followed."""
    for path in sorted(folder.iterdir(), key=lambda entry: os.fsencode(entry.name)):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _entries(path)


def _short(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
