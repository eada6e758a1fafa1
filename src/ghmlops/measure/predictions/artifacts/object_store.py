"""Prediction artifacts in an object store (S3, Google Cloud Storage, Azure), fetched into a private folder.

By `pyarrow.fs`. Credentials are those of the environment (`core.cloud_settings` lists them): no inputs, never shown.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ghmlops.core.artifacts import file_pattern
from ghmlops.core.artifacts import object_store as cloud_settings
from ghmlops.core.artifacts.safe_path import inner_parts
from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.find import MAX_ENTRIES, MAX_FILES, Found, partition_keys

try:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import fs
except ModuleNotFoundError as error:
    raise InputError(
        "s3://, gs:// and az:// need pyarrow, which is not installed",
        hint="install the extra: `pip install 'ghmlops[cloud]'`",
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.core.artifacts.spec import CloudSpec

MAX_BYTES = 64 * 1024**3
STREAMS = 8
"""Objects fetched at a time: small ones wait mostly for the store."""
_CHUNK = 1024 * 1024
_LOOK = 0.2
"""Seconds between two looks at what has come."""
_GIVE_UP = timedelta(seconds=60)
"""Google's client alone would try for a quarter of an hour."""


class Remote(NamedTuple):
    """An object that is meant: its path in the store, its path beneath the root, its bytes."""

    path: str
    parts: tuple[str, ...]
    size: int


@dataclass(slots=True)
class _Flow:
    """What the streams share."""

    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    came: int = 0


def fetch(
    spec: CloudSpec, into: Path, environ: Mapping[str, str], progress: Callable[[str], None], limit: int = MAX_BYTES
) -> Found:
    """Fetch the objects that `spec` means into the folder `into`, which is made here and must not exist.

    An object's full name is taken literally before its `*`, `?` or `[` mean anything; folders and patterns mean what
    they mean on this machine (`core.file_pattern`).

    Args:
        spec: the URL.
        into: folder to be made; its parent exists.
        environ: where settings and credentials are.
        progress: told how much has come.
        limit: most bytes of all objects together.

    Raises:
        DataError: there is nothing, it cannot be read, or it is too much.
        InputError: the environment's settings are malformed, or lack the account.
    """
    with _explained(spec, environ):
        store = filesystem(spec, environ)
        objects = _choose(store, spec)
        _check(objects, spec, into, limit)
        into.mkdir(mode=0o700)
        _copy(store, objects, into, spec, progress)
    files = sorted(into.joinpath(*one.parts) for one in objects)
    hive_root = into if partition_keys(files, into, spec.text) else None
    return Found(files=tuple(files), hive_root=hive_root, shown=spec.text)


def filesystem(spec: CloudSpec, environ: Mapping[str, str]) -> fs.FileSystem:
    """Return the file system of the store; nothing is asked yet but, on Amazon without a region, the bucket's region.

    Raises:
        InputError: the settings are malformed, or lack the account; this pyarrow was built without the store.
    """
    options: dict[str, Any]
    try:
        if spec.scheme == "s3":
            options = cloud_settings.s3(environ)
            if "region" not in options:
                options["region"] = fs.resolve_s3_region(spec.bucket)
            return fs.S3FileSystem(**options)
        if spec.scheme == "gs":
            return fs.GcsFileSystem(retry_time_limit=_GIVE_UP, **cloud_settings.gcs(environ))
        return fs.AzureFileSystem(**cloud_settings.azure(spec, environ))
    except (ImportError, AttributeError):
        raise InputError(
            f"{spec.scheme}:// is not built into the installed pyarrow", hint="install pyarrow's own wheel from PyPI"
        ) from None


@contextlib.contextmanager
def _explained(spec: CloudSpec, environ: Mapping[str, str]) -> Iterator[None]:
    """Turn the store's errors into ours, without what they hold of addresses and keys."""
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{spec.text}: not found in the store", hint="check bucket and path") from None
    except (OSError, pa.ArrowException) as error:
        said = cloud_settings.clean(str(error), environ)
        raise DataError(
            f"{spec.text}: cannot be read: {said}",
            hint="check the bucket, and that the environment holds credentials that may list and read it",
        ) from None


def _choose(store: fs.FileSystem, spec: CloudSpec) -> list[Remote]:
    """List what is meant, sorted."""
    whole = f"{spec.bucket}/{spec.path}".removesuffix("/")
    info = store.get_file_info(whole)
    if info.type == fs.FileType.File:
        return [Remote(whole, _parts(info.base_name, spec), info.size)]
    root, pattern = whole, tuple[str, ...]()
    if info.type == fs.FileType.NotFound:
        parts = whole.split("/")
        first = next((i for i, part in enumerate(parts) if file_pattern.has_magic(part)), 0)
        root, pattern = "/".join(parts[:first]), tuple(parts[first:])
        if not first or store.get_file_info(root).type != fs.FileType.Directory:
            raise FileNotFoundError(root)
    if store.get_file_info(f"{root}/_delta_log").type == fs.FileType.Directory:
        raise DataError(
            f"{spec.text}: a Delta table, whose folder also holds files that are no longer part of it",
            hint="export the version to compare as plain Parquet",
        )
    found = sorted(_walk(store, root, pattern, spec), key=lambda one: one.parts)
    if not found:
        what = "no object matches" if pattern else "the folder holds no Parquet file"
        raise DataError(f"{spec.text}: {what}", hint=f"Parquet files end in {', '.join(file_pattern.SUFFIXES)}")
    return found


def _walk(store: fs.FileSystem, root: str, pattern: tuple[str, ...], spec: CloudSpec) -> Iterator[Remote]:
    """Give the objects that are meant. Where all beneath a folder may be, one request lists it all.

    Google's store is always listed so: pyarrow sees there no folder that has no object of its own name.
    """
    waiting, seen = [(root, file_pattern.start(pattern))], 0
    while waiting:
        folder, state = waiting.pop()
        deep = spec.scheme == "gs" or any(at >= len(pattern) or pattern[at] == "**" for at in state)
        for info in store.get_file_info(fs.FileSelector(folder, recursive=deep)):
            seen += 1
            if seen > MAX_ENTRIES:
                raise DataError(f"{spec.text}: more than {MAX_ENTRIES:,} names to look at", hint="name a folder in it")
            after = state
            for part in info.path.removeprefix(f"{folder}/").split("/"):
                after = file_pattern.step(pattern, after, part)
            if info.type == fs.FileType.Directory and after and not deep:
                waiting.append((info.path, after))
            if info.type == fs.FileType.File and file_pattern.accepts(pattern, after, info.base_name):
                yield Remote(info.path, _parts(info.path.removeprefix(f"{root}/"), spec), info.size)


def _parts(name: str, spec: CloudSpec) -> tuple[str, ...]:
    try:
        return inner_parts(name)
    except ValueError as error:
        shown = "".join(c if c.isprintable() else "?" for c in name[:120])
        raise DataError(f'{spec.text}: the object "{shown}" {error}', hint="rename it") from None


def _check(objects: list[Remote], spec: CloudSpec, into: Path, limit: int) -> None:
    if len(objects) > MAX_FILES:
        raise DataError(f"{spec.text}: more than {MAX_FILES:,} files", hint="write fewer, larger files")
    size, free = sum(one.size for one in objects), shutil.disk_usage(into.parent).free
    if size > limit:
        raise DataError(f"{spec.text}: {size:,} bytes, more than {limit:,}", hint="name a part of it")
    if size > free:
        raise DataError(f"{spec.text}: {size:,} bytes, and {free:,} are free on the disk", hint="name a part of it")


def _copy(
    store: fs.FileSystem, objects: list[Remote], into: Path, spec: CloudSpec, progress: Callable[[str], None]
) -> None:
    flow, total = _Flow(), sum(one.size for one in objects)
    with ThreadPoolExecutor(max_workers=STREAMS, thread_name_prefix="fetch") as pool:
        waiting = {pool.submit(_stream, store, one, into, spec, flow) for one in objects}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK, return_when=FIRST_EXCEPTION)
                for one in done:
                    one.result()
                progress(f"fetching {spec.text}: {flow.came / _CHUNK:,.0f} of {total / _CHUNK:,.0f} MiB")
        finally:
            flow.stop.set()  # nothing where all is done; else the streams end at their next chunk
            pool.shutdown(cancel_futures=True)


def _stream(store: fs.FileSystem, one: Remote, into: Path, spec: CloudSpec, flow: _Flow) -> None:
    """Fetch one object, of exactly the bytes that were listed."""
    path, size = into.joinpath(*one.parts), 0
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with store.open_input_stream(one.path) as source, path.open("xb") as target:
        while not flow.stop.is_set() and (chunk := source.read(_CHUNK)):
            size += len(chunk)
            if size > one.size:
                break
            target.write(chunk)
            with flow.lock:
                flow.came += len(chunk)
    if size != one.size and not flow.stop.is_set():
        raise DataError(f"{spec.text}: {one.parts[-1]} changed while it was fetched", hint="run the job again")
