"""The files that a build writes to its folder, and those that it must not change elsewhere."""

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

    FileState = tuple[int, int, int]
    """(inode, size in bytes, time of the last change in ns)."""

_MAX_WATCHED = 20_000
"""Maximum number of files of the checkout that are watched for changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFiles:
    """The files of one artifact in the folder of a build.

    Attributes:
        states: State of each file by its path in the folder; it differs after a file was written again.
        paths: Real path of each file by its path in the folder.
        hive_root: Folder below which `key=value` folders are columns; `None` if there are no such folders.
    """

    states: dict[str, FileState]
    paths: dict[str, Path]
    hive_root: Path | None = None

    def fingerprint(self) -> str:
        """Return `sha256:<hex>` over names and bytes of all files; it does not depend on the folder.

        Raises:
            OSError: A file cannot be read.
        """
        digest = hashlib.sha256()
        for name, path in sorted(self.paths.items()):
            digest.update(f"{name}\0{checkout.fingerprint(path)}\n".encode("utf-8", "surrogateescape"))
        return f"sha256:{digest.hexdigest()}"


def files_of(specs: tuple[LocalSpec, ...], folder: Path) -> BuiltFiles:
    """Find the files that `specs` refer to in `folder`, which is a real path.

    Raises:
        DataError: There is no such file, or one is outside of `folder`.
    """
    artifact = join_files([find_files(spec, folder) for spec in specs], specs[0].text)
    for path in artifact.files:
        if not path.is_relative_to(folder):
            raise DataError(
                f"{artifact.display_name}: a link that leads out of the folder it was built in",
                hint="write the artifact itself to the folder in which the build runs",
            )
    paths = {str(path.relative_to(folder)): path for path in artifact.files}
    states = {name: _state(path) for name, path in paths.items()}
    return BuiltFiles(states=states, paths=paths, hive_root=artifact.hive_root)


def _state(path: Path) -> FileState:
    status = path.stat()
    return (status.st_ino, status.st_size, status.st_ctime_ns)


def snapshot(folder: Path, specs: tuple[LocalSpec, ...]) -> dict[str, FileState]:
    """Return the state of the files in a checkout that a build in another folder must not change.

    These are its untracked and modified files, and the artifacts. If the folder is a part of the checkout, the other
    parts count as well.
    """
    output = checkout.git_read(folder, "ls-files", "-z", "--modified", "--others", "--exclude-standard", "--", ":/")
    paths = {name: folder / name for name in output.split("\0")[:_MAX_WATCHED] if name}
    for spec in specs:
        # No artifact yet: if there is one after the build, the build wrote it here.
        with contextlib.suppress(DataError):
            paths |= {str(path): path for path in find_files(spec, folder).files}
    states = {}
    for name, path in paths.items():
        with contextlib.suppress(OSError):  # git lists deleted files as modified.
            states[name] = _state(path)
    return states
