"""From what a user names on this machine to the Parquet files it means."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ghmlops.core.artifacts import file_pattern
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.artifacts.spec import LocalSpec

MAX_FILES = 10_000
MAX_ENTRIES = 500_000
"""Names looked at; a pattern over a whole disk is a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Files of one spec.

    Attributes:
        files: sorted, real paths, each once; at least one.
        hive_root: the folder beneath which folders called `key=value` are columns; `None` where there are none.
        shown: how messages call them all.
    """

    files: tuple[Path, ...]
    hive_root: Path | None
    shown: str

    @property
    def hive(self) -> bool:
        """True where folders are columns."""
        return self.hive_root is not None


def find_files(spec: LocalSpec, cwd: Path, shown: str = "") -> Found:
    """Find the files of `spec`, relative to `cwd`; messages call it `shown`, else as the user wrote it.

    A name that exists is taken literally before its `*`, `?` or `[` mean anything. A file that is named itself is taken
    whatever it is called, and through a link; what a folder or a pattern gives must lie within the folder.

    Raises:
        DataError: there is nothing; a link is broken or leads out of the folder; something is no regular file; there
            are more than `MAX_FILES`; partitions differ between files.
    """
    said = shown or spec.text
    root, pattern = _root(cwd.absolute() / spec.pattern)
    try:
        if not pattern and not root.is_dir():
            return Found(files=(_named(root, said),), hive_root=None, shown=said)
        if pattern and not root.is_dir():
            raise _missing(said)
        root = root.resolve()
        _refuse_table(root, said)
        files = sorted(set(_walk(root, pattern, said)))
    except OSError as error:
        raise DataError(f"{said}: {error.strerror or error}", hint="check the path and its permissions") from None
    if not files:
        raise _nothing(said, pattern)
    hive_root = root if partition_keys(files, root, said) else None
    return Found(files=tuple(files), hive_root=hive_root, shown=said)


def join(found: Sequence[Found], shown: str) -> Found:
    """Return the files of several specs as one artifact.

    Raises:
        DataError: there are too many files; partitions differ between them.
    """
    if len(found) == 1:
        return found[0]
    files = sorted({file for one in found for file in one.files})
    if len(files) > MAX_FILES:
        raise DataError(f"{shown}: more than {MAX_FILES:,} files", hint="write fewer, larger files")
    hive_root = None
    if any(one.hive for one in found):
        roots = [one.hive_root for one in found if one.hive_root] + [f.parent for f in files]
        hive_root = Path(os.path.commonpath(roots))
        partition_keys(files, hive_root, shown)
    return Found(files=tuple(files), hive_root=hive_root, shown=shown)


def partition_keys(files: Sequence[Path], root: Path, shown: str) -> tuple[str, ...]:
    """Return the keys of the folders called `key=value` between `root` and the files; empty where there are none.

    Raises:
        DataError: the files do not all have the same keys in the same order, or one has a key twice.
    """
    first = _keys(files[0], root)
    for file in files:
        keys = _keys(file, root)
        if keys != first or len(set(keys)) < len(keys):
            one, other = (f"{f.relative_to(root)} ({', '.join(_keys(f, root)) or 'none'})" for f in (files[0], file))
            raise DataError(
                f"{shown}: partitions differ between files: {one} and {other}",
                hint="write all files with the same partition columns, or name one folder",
            )
    return first


def _keys(file: Path, root: Path) -> tuple[str, ...]:
    return tuple(filter(None, map(file_pattern.partition_key, file.relative_to(root).parts[:-1])))


def _root(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Split a path into what exists literally, or has no other meaning, and the pattern beneath it."""
    parts = path.parts
    for at in range(1, len(parts)):
        whole = Path(*parts[: at + 1])
        if file_pattern.has_magic(parts[at]) and not os.path.lexists(whole):
            return Path(*parts[:at]), parts[at:]
    return path, ()


def _named(path: Path, shown: str) -> Path:
    """Return the real path of a file that the user named itself."""
    if not os.path.lexists(path):
        raise _missing(shown)
    if not path.exists():
        raise DataError(f"{shown}: a broken link", hint="what it leads to is not there; fetch it, or name another file")
    if not path.is_file():
        raise DataError(f"{shown}: a pipe or a device, not a file", hint="name a Parquet file, or a folder of them")
    return path.resolve()


def _walk(root: Path, pattern: tuple[str, ...], shown: str) -> Iterator[Path]:
    """Give the real path of every file that is meant; each folder is entered once, so links in a circle end."""
    waiting = [(root, file_pattern.start(pattern))]
    entered, seen, given = {(root, waiting[0][1])}, 0, 0
    while waiting:
        folder, state = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                seen += 1
                if seen > MAX_ENTRIES:
                    raise DataError(
                        f"{shown}: more than {MAX_ENTRIES:,} names to look at", hint="name the folder of the artifact"
                    )
                after = file_pattern.step(pattern, state, entry.name)
                if not after:
                    continue
                kind, real = _look(entry, shown)
                if not stat.S_ISDIR(kind) and not file_pattern.accepts(pattern, after, entry.name):
                    continue
                _check(kind, real, entry.name, root, shown)
                if not stat.S_ISDIR(kind):
                    given += 1
                    if given > MAX_FILES:
                        raise DataError(f"{shown}: more than {MAX_FILES:,} files", hint="write fewer, larger files")
                    yield real
                elif (real, after) not in entered:
                    entered.add((real, after))
                    waiting.append((real, after))


def _look(entry: os.DirEntry[str], shown: str) -> tuple[int, Path]:
    """Return mode and real path of what an entry is, or leads to.

    Raises:
        DataError: it is a broken link; whether a file or a whole folder is missing cannot be told.
    """
    if not entry.is_symlink():
        return entry.stat(follow_symlinks=False).st_mode, Path(entry.path)
    try:
        real = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
        raise DataError(
            f"{shown}: {entry.name} is a broken link",
            hint="what it leads to is not there; fetch it, or remove the link",
        ) from None
    return real.stat().st_mode, real


def _check(kind: int, real: Path, name: str, root: Path, shown: str) -> None:
    if not real.is_relative_to(root):
        raise DataError(
            f"{shown}: {name} is a link that leads out of the folder",
            hint="put a copy there, or name the file it leads to",
        )
    if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
        raise DataError(f"{shown}: {name} is a pipe or a device, not a file", hint="remove it from the folder")


def _refuse_table(root: Path, shown: str) -> None:
    if (root / "_delta_log").is_dir():
        raise DataError(
            f"{shown}: a Delta table, whose folder also holds files that are no longer part of it",
            hint="export the version to compare as plain Parquet",
        )


def _missing(shown: str) -> DataError:
    return DataError(f"{shown}: no such file or folder", hint="check the path; it starts from the working directory")


def _nothing(shown: str, pattern: tuple[str, ...]) -> DataError:
    if pattern:
        return DataError(f"{shown}: no file matches", hint="check the pattern; `**` stands for any number of folders")
    return DataError(
        f"{shown}: the folder holds no Parquet file",
        hint=f"files count that end in {', '.join(file_pattern.SUFFIXES)} and do not begin with `_` or `.`",
    )
