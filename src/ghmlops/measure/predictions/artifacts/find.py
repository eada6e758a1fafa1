"""Finds the Parquet files that a path, a folder or a pattern on this machine refers to."""

from __future__ import annotations

import itertools
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.artifacts import data_file, file_pattern, table_format
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from ghmlops.core.artifacts.spec import LocalSpec

MAX_FILES = 10_000
MAX_ENTRIES = 500_000
"""Maximum number of directory entries examined; a pattern over a whole disk is a mistake."""


class ArtifactFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files that one or several specs refer to.

    Attributes:
        files: real paths, sorted, without duplicates; at least one.
        hive_root: folder below which `key=value` folders are columns; None if there are no such folders.
        display_name: name of all files together in messages.
    """

    files: tuple[Path, ...]
    hive_root: Path | None
    display_name: str


def find_files(spec: LocalSpec, cwd: Path, display_name: str = "") -> ArtifactFiles:
    """Find the files of `spec`, relative to `cwd`. In messages they are called `display_name`, or as the user wrote it.

    An existing name is taken literally before its `*`, `?` or `[` have a meaning. A file that is named itself may have
    any name and may be reached through a link; the files of a folder or a pattern must lie within the folder.

    Raises:
        DataError: nothing matches; a link is broken or leads out of the folder; an entry is not a regular file; a file
            could be data and is not Parquet; the folder is that of a table format; there are more than `MAX_FILES`;
            partitions differ between files.
    """
    name = display_name or spec.text
    root, pattern = _split_pattern(cwd.absolute() / spec.pattern)
    try:
        if not pattern and not root.is_dir():
            return ArtifactFiles(files=(_resolve_file(root, name),), hive_root=None, display_name=name)
        if pattern and not root.is_dir():
            raise _missing(name)
        root = root.resolve()
        for parent in root.parents:
            _reject_table(parent, _marker_names(parent), name)
        files = sorted(set(_walk(root, pattern, name)))
    except OSError as error:
        raise DataError(f"{name}: {error.strerror or error}", hint="check the path and its permissions") from None
    if not files:
        raise _no_match(name, pattern)
    hive_root = root if partition_keys(files, root, name) else None
    return ArtifactFiles(files=tuple(files), hive_root=hive_root, display_name=name)


def named_files(spec: LocalSpec, cwd: Path) -> dict[str, Path]:
    """Return the files of `spec` by their path relative to `cwd`, under which the same spec finds a copy of them.

    Raises:
        DataError: as `find_files`.
    """
    files = find_files(spec, cwd).files
    root, pattern = _split_pattern(cwd.absolute() / spec.pattern)
    name = os.path.relpath(root, cwd.absolute())
    if not pattern and not root.is_dir():
        return {name: files[0]}
    real = root.resolve()
    return {os.path.normpath(os.path.join(name, file.relative_to(real))): file for file in files}


def join_files(parts: Sequence[ArtifactFiles], display_name: str) -> ArtifactFiles:
    """Return the files of several specs as one artifact.

    Raises:
        DataError: there are too many files; partitions differ between them.
    """
    if len(parts) == 1:
        return parts[0]
    files = sorted({file for part in parts for file in part.files})
    if len(files) > MAX_FILES:
        raise _too_many_files(display_name)
    hive_root = None
    if any(part.hive_root for part in parts):
        roots = [part.hive_root for part in parts if part.hive_root] + [file.parent for file in files]
        hive_root = Path(os.path.commonpath(roots))
        partition_keys(files, hive_root, display_name)
    return ArtifactFiles(files=tuple(files), hive_root=hive_root, display_name=display_name)


def partition_keys(files: Sequence[Path], root: Path, display_name: str) -> tuple[str, ...]:
    """Return the keys of the `key=value` folders between `root` and the files; empty if there are no such folders.

    Raises:
        DataError: the files do not all have the same keys in the same order, or one path repeats a key.
    """
    first = _keys(files[0], root)
    for file in files:
        keys = _keys(file, root)
        if keys != first or len(set(keys)) < len(keys):
            paths = [f"{f.relative_to(root)} ({', '.join(_keys(f, root)) or 'none'})" for f in (files[0], file)]
            raise DataError(
                f"{display_name}: partitions differ between files: {paths[0]} and {paths[1]}",
                hint="write all files with the same partition columns, or name one folder",
            )
    return first


def _keys(file: Path, root: Path) -> tuple[str, ...]:
    return tuple(filter(None, map(file_pattern.partition_key, file.relative_to(root).parts[:-1])))


def _split_pattern(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Split a path into the part that is literal or exists under that name, and the pattern below it."""
    parts = path.parts
    for index in range(1, len(parts)):
        prefix = Path(*parts[: index + 1])
        if file_pattern.has_magic(parts[index]) and not os.path.lexists(prefix):
            return Path(*parts[:index]), parts[index:]
    return path, ()


def _resolve_file(path: Path, display_name: str) -> Path:
    """Return the real path of a file that the user named itself."""
    if not os.path.lexists(path):
        raise _missing(display_name)
    if not path.exists():
        raise DataError(
            f"{display_name}: a broken link", hint="the target of the link is missing; fetch it, or name another file"
        )
    if not path.is_file():
        raise DataError(
            f"{display_name}: a pipe or a device, not a file", hint="name a Parquet file, or a folder of them"
        )
    return path.resolve()


def _walk(root: Path, pattern: tuple[str, ...], display_name: str) -> Iterator[Path]:
    """Yield the real path of every matching file. Each folder is entered once, so circular links terminate."""
    pending = [(root, file_pattern.start(pattern))]
    entered, entries_read, file_count = {(root, pending[0][1])}, 0, 0
    while pending:
        folder, state = pending.pop()
        with os.scandir(folder) as scan:
            entries = list(itertools.islice(scan, MAX_ENTRIES - entries_read + 1))
        entries_read += len(entries)
        if entries_read > MAX_ENTRIES:
            raise DataError(
                f"{display_name}: more than {MAX_ENTRIES:,} directory entries", hint="name the folder of the artifact"
            )
        _reject_table(folder, [entry.name for entry in entries], display_name)
        for entry in entries:
            next_state = file_pattern.step(pattern, state, entry.name)
            if not next_state:
                continue
            mode, real = _target(entry, display_name)
            is_folder = stat.S_ISDIR(mode)
            is_match = file_pattern.accepts(pattern, next_state, entry.name)
            if not is_folder and not is_match and not file_pattern.may_match(pattern, next_state):
                continue
            if not is_folder and not is_match and data_file.is_document(entry.name) and not real.is_relative_to(root):
                continue
            _check_entry(mode, real, entry.name, root, display_name)
            if is_folder:
                if (real, next_state) not in entered:
                    entered.add((real, next_state))
                    pending.append((real, next_state))
            elif is_match or _is_data(real, entry.name, display_name):
                file_count += 1
                if file_count > MAX_FILES:
                    raise _too_many_files(display_name)
                yield real


def _is_data(file: Path, name: str, display_name: str) -> bool:
    """Return whether a file without the suffix of Parquet files is one; reject it if it could be data and is not."""
    with file.open("rb") as stream:
        is_data, why = data_file.classify(name, stream.read(data_file.HEAD_BYTES), file.stat().st_size)
    if why:
        raise unreadable_file(display_name, name, why)
    return is_data


def _target(entry: os.DirEntry[str], display_name: str) -> tuple[int, Path]:
    """Return the mode and the real path of an entry, or of the target of a link.

    Raises:
        DataError: the link is broken, so that it is unknown whether a file or a whole folder is missing.
    """
    if not entry.is_symlink():
        return entry.stat(follow_symlinks=False).st_mode, Path(entry.path)
    try:
        real = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
        raise DataError(
            f"{display_name}: {entry.name} is a broken link",
            hint="the target of the link is missing; fetch it, or remove the link",
        ) from None
    return real.stat().st_mode, real


def _check_entry(mode: int, real: Path, name: str, root: Path, display_name: str) -> None:
    if not real.is_relative_to(root):
        raise DataError(
            f"{display_name}: {name} is a link that leads out of the folder",
            hint="put a copy into the folder, or name the target of the link",
        )
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise DataError(f"{display_name}: {name} is a pipe or a device, not a file", hint="remove it from the folder")


def _marker_names(folder: Path) -> list[str]:
    """Return the folders that mark a table format in `folder`, without reading all of its entries."""
    return [name for name in table_format.MARKER_FOLDERS if (folder / name).is_dir()]


def _reject_table(folder: Path, names: Collection[str], display_name: str) -> None:
    """Reject a folder of a table format, given the names of its entries."""
    table = table_format.table_format(names)
    metadata = folder / table_format.METADATA
    if not table and table_format.METADATA in names and metadata.is_dir():
        with os.scandir(metadata) as entries:
            metadata_names = [entry.name for entry in itertools.islice(entries, MAX_ENTRIES)]
        table = "an Iceberg table" if table_format.is_iceberg(metadata_names) else ""
    if table:
        raise DataError(f"{display_name}: {table_format.refusal(table)}", hint=table_format.HINT)


def unreadable_file(display_name: str, name: str, why: str) -> DataError:
    """Return the error for a file of a folder that could be data and cannot be read."""
    advice = "write all data files as Parquet, move this one elsewhere, or name a pattern such as `*.parquet`"
    return DataError(
        f"{display_name}: the file {name} {why}, and no file of a folder is left out silently",
        hint=data_file.LFS_HINT if why == data_file.LFS_REASON else advice,
    )


def _too_many_files(display_name: str) -> DataError:
    return DataError(f"{display_name}: more than {MAX_FILES:,} files", hint="write fewer, larger files")


def _missing(display_name: str) -> DataError:
    return DataError(
        f"{display_name}: no such file or folder", hint="check the path; it is relative to the working directory"
    )


def _no_match(display_name: str, pattern: tuple[str, ...]) -> DataError:
    if pattern:
        return DataError(
            f"{display_name}: no file matches", hint="check the pattern; `**` matches any number of folders"
        )
    return DataError(
        f"{display_name}: the folder contains no Parquet file",
        hint="files count if their content is Parquet and their names do not begin with `_` or `.`",
    )
