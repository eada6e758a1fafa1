"""Lists the objects of a store that a URL refers to, with the rules that folders on this machine have.

Uses `pyarrow.fs`; `object_store` opens the store and reports how to install it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from pyarrow import fs  # type: ignore[import-untyped]

from ghmlops.core.artifacts import data_file, file_pattern, table_format
from ghmlops.core.artifacts.object_store import MISSING_OBJECT
from ghmlops.core.artifacts.safe_path import inner_parts
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.find import MAX_ENTRIES, unreadable_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.core.artifacts.spec import CloudSpec

_REQUESTS = 8
"""Objects whose first bytes are read at a time."""


class RemoteObject(NamedTuple):
    """An object to download: its path in the store, its path below the root, and its size in bytes."""

    path: str
    parts: tuple[str, ...]
    size: int


def list_objects(store: fs.FileSystem, spec: CloudSpec) -> list[RemoteObject]:
    """List the objects that the URL refers to, sorted by path.

    Raises:
        DataError: nothing matches; an object could be data and is not Parquet; the folder is that of a table format.
        FileNotFoundError: the folder does not exist.
    """
    path = f"{spec.bucket}/{spec.path}".removesuffix("/")
    info = store.get_file_info(path)
    if info.type == fs.FileType.File:
        return [RemoteObject(path, _local_parts(info.base_name, spec), info.size)]
    root, pattern = path, tuple[str, ...]()
    if info.type == fs.FileType.NotFound:
        parts = path.split("/")
        first = next((i for i, part in enumerate(parts) if file_pattern.has_magic(part)), 0)
        root, pattern = "/".join(parts[:first]), tuple(parts[first:])
        if not first or store.get_file_info(root).type != fs.FileType.Directory:
            raise FileNotFoundError(root)
    for folder in _folders_above(root):
        _reject_table(store, folder, None, spec)
    objects = sorted(_walk(store, root, pattern, spec), key=lambda item: item.parts)
    if not objects:
        why = "no object matches" if pattern else "the folder contains no Parquet file"
        hint = "files count if their content is Parquet and their names do not begin with `_` or `.`"
        raise DataError(f"{spec.text}: {why}", hint=hint, reason_code=MISSING_OBJECT)
    return objects


def _folders_above(root: str) -> list[str]:
    parts = root.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _walk(store: fs.FileSystem, root: str, pattern: tuple[str, ...], spec: CloudSpec) -> Iterator[RemoteObject]:
    """Yield the matching objects. If everything below a folder may match, one request lists it recursively.

    Google Cloud Storage is always listed recursively: pyarrow sees no folder there unless an object has its name.
    """
    pending, entries_read = [(root, file_pattern.start(pattern))], 0
    unnamed: list[tuple[str, int]] = []
    while pending:
        folder, state = pending.pop()
        recursive = spec.scheme == "gs" or any(at >= len(pattern) or pattern[at] == "**" for at in state)
        entries = store.get_file_info(fs.FileSelector(folder, recursive=recursive))
        entries_read += len(entries)
        if entries_read > MAX_ENTRIES:
            raise DataError(f"{spec.text}: more than {MAX_ENTRIES:,} entries", hint="name a folder in it")
        for parent, names in _names_by_folder(folder, [info.path for info in entries]).items():
            _reject_table(store, parent, names, spec)
        for info in entries:
            next_state = state
            for part in info.path.removeprefix(f"{folder}/").split("/"):
                next_state = file_pattern.step(pattern, next_state, part)
            if info.type == fs.FileType.Directory and next_state and not recursive:
                pending.append((info.path, next_state))
            if info.type != fs.FileType.File:
                continue
            if file_pattern.accepts(pattern, next_state, info.base_name):
                yield RemoteObject(info.path, _local_parts(info.path.removeprefix(f"{root}/"), spec), info.size)
            elif file_pattern.may_match(pattern, next_state):
                unnamed.append((info.path, info.size))
    for path, size in _data_objects(store, unnamed, spec):
        yield RemoteObject(path, _local_parts(path.removeprefix(f"{root}/"), spec), size)


def _names_by_folder(folder: str, paths: Sequence[str]) -> dict[str, set[str]]:
    """Return the names of the entries of `folder` and of each folder below it."""
    names: dict[str, set[str]] = {}
    for path in paths:
        parent = folder
        for part in path.removeprefix(f"{folder}/").split("/"):
            names.setdefault(parent, set()).add(part)
            parent = f"{parent}/{part}"
    return names


def _reject_table(store: fs.FileSystem, folder: str, names: set[str] | None, spec: CloudSpec) -> None:
    """Reject a folder of a table format; without `names`, only the folders that mark one are looked up."""

    def listing(name: str) -> list[str]:
        selector = fs.FileSelector(f"{folder}/{name}", allow_not_found=True)
        try:
            return [info.base_name for info in store.get_file_info(selector)]
        except OSError:
            # Credentials may be limited to the artifact itself: then nothing is known about the folders above it.
            if names is None:
                return []
            raise

    if names is None:
        names = {name for name in table_format.MARKER_FOLDERS if listing(name)}
    table = table_format.table_format(names)
    if not table and table_format.METADATA in names and table_format.is_iceberg(listing(table_format.METADATA)):
        table = "an Iceberg table"
    if table:
        raise DataError(f"{spec.text}: {table_format.refusal(table)}", hint=table_format.HINT)


def _data_objects(
    store: fs.FileSystem, objects: Sequence[tuple[str, int]], spec: CloudSpec
) -> Iterator[tuple[str, int]]:
    """Yield the path and the size of the objects whose first bytes are those of Parquet.

    Raises:
        DataError: an object could be data and is not Parquet.
    """

    def head(item: tuple[str, int]) -> bytes:
        if not item[1]:
            return b""
        with store.open_input_file(item[0]) as stream:
            return bytes(stream.read(data_file.HEAD_BYTES))

    with ThreadPoolExecutor(max_workers=_REQUESTS, thread_name_prefix="heads") as pool:
        for item, first_bytes in zip(objects, pool.map(head, objects), strict=True):
            name = item[0].rpartition("/")[2]
            is_data, why = data_file.classify(name, first_bytes, item[1])
            if why:
                raise unreadable_file(spec.text, name, why)
            if is_data:
                yield item


def _local_parts(name: str, spec: CloudSpec) -> tuple[str, ...]:
    """Return the parts of the local path of an object, which cannot leave the folder."""
    try:
        return inner_parts(name)
    except ValueError as error:
        printable = "".join(c if c.isprintable() else "?" for c in name[:120])
        raise DataError(f'{spec.text}: the object "{printable}" {error}', hint="rename it") from None
