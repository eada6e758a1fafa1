"""The files of an artifact in the folder it was built in, and what a build must not touch elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure import checkout
from ghmlops.measure.predictions.artifacts.find import find_files, join_files

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.artifacts.spec import LocalSpec

_MOST_SEEN = 20_000
"""Files of the checkout that are watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFiles:
    """The files of one artifact in one folder, by their path there."""

    seen: dict[str, tuple[int, int, int]]
    """Path to (inode, size, time of its last change in ns)."""
    paths: dict[str, Path]
    hive_root: Path | None = None

    def fingerprint(self) -> str:
        """Return `sha256:<hex>` over names and bytes of all files, whatever the folder.

        Raises:
            OSError: one cannot be read.
        """
        every = hashlib.sha256()
        for name, path in sorted(self.paths.items()):
            every.update(f"{name}\0{checkout.fingerprint(path)}\n".encode("utf-8", "surrogateescape"))
        return f"sha256:{every.hexdigest()}"


def files_of(specs: tuple[LocalSpec, ...], folder: Path) -> BuiltFiles:
    """Find the files that `specs` mean in `folder`, a real path.

    Raises:
        DataError: there are none, or one lies outside of `folder`.
    """
    found = join_files([find_files(spec, folder) for spec in specs], specs[0].text)
    for path in found.files:
        if not path.is_relative_to(folder):
            raise DataError(
                f"{found.display_name}: a link that leads out of the folder it was built in",
                hint="write the artifact itself into the folder that the build runs in",
            )
    paths = {str(path.relative_to(folder)): path for path in found.files}
    seen = {name: _seen(path) for name, path in paths.items()}
    return BuiltFiles(seen=seen, paths=paths, hive_root=found.hive_root)


def _seen(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return (status.st_ino, status.st_size, status.st_ctime_ns)


def snapshot(folder: Path, specs: tuple[LocalSpec, ...]) -> dict[str, tuple[int, int, int]]:
    """Return what a build in another folder must not touch here: untracked and changed files, and the artifacts."""
    listed = checkout.git_read(folder, "ls-files", "-z", "--modified", "--others", "--exclude-standard").split("\0")
    paths = {name: folder / name for name in listed[:_MOST_SEEN] if name}
    for spec in specs:
        with contextlib.suppress(DataError):  # none is there: one that is there afterwards was written
            paths |= {str(path): path for path in find_files(spec, folder).files}
    found = {}
    for name, path in paths.items():
        with contextlib.suppress(OSError):  # listed because it was deleted
            found[name] = _seen(path)
    return found
