"""Downloads prediction artifacts from an object store (S3, Google Cloud Storage, Azure) into a private folder.

Uses `pyarrow.fs`. Credentials come from the environment (`core.artifacts.object_store` lists the variables): they are
never inputs and never appear in messages.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ghmlops.core.artifacts import object_store as cloud_settings
from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.find import MAX_FILES, ArtifactFiles, partition_keys

try:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyarrow import fs

    from ghmlops.measure.predictions.artifacts.object_listing import RemoteObject, list_objects
except ModuleNotFoundError as error:
    raise InputError(
        "s3://, gs:// and az:// need pyarrow, which is not installed",
        hint='install the extra: `pip install "ghmlops[cloud]"`',
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ghmlops.core.artifacts.spec import CloudSpec

MAX_BYTES = 64 * 1024**3
STREAMS = 8
"""Objects downloaded at a time: small ones mostly wait for the store."""
_BLOCK = 1024 * 1024
_PROGRESS_INTERVAL = 0.2
"""Seconds between two progress messages."""
_RETRY_LIMIT = timedelta(seconds=60)
"""The default of Google's client is 15 minutes."""


@dataclass(slots=True)
class _Transfer:
    """State that the download streams share."""

    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    bytes_received: int = 0


def fetch(
    spec: CloudSpec, into: Path, environ: Mapping[str, str], progress: Callable[[str], None], limit: int = MAX_BYTES
) -> ArtifactFiles:
    """Download the objects that `spec` refers to into the folder `into`, which is created and must not exist.

    The full name of an object is taken literally before its `*`, `?` or `[` have a meaning; folders and patterns mean
    the same as on this machine (`core.artifacts.file_pattern`).

    Args:
        spec: the URL.
        into: folder to create; its parent exists.
        environ: environment variables with settings and credentials.
        progress: called with a message about the bytes received so far.
        limit: maximum size of all objects together, in bytes.

    Raises:
        DataError: nothing matches, an object cannot be read, or the objects are too large.
        InputError: the settings in the environment are malformed, or the account is missing.
    """
    with _translated_errors(spec, environ):
        store = filesystem(spec, environ)
        objects = list_objects(store, spec)
        _check_sizes(objects, spec, into, limit)
        into.mkdir(mode=0o700)
        _download(store, objects, into, spec, progress)
    files = sorted(into.joinpath(*item.parts) for item in objects)
    hive_root = into if partition_keys(files, into, spec.text) else None
    return ArtifactFiles(files=tuple(files), hive_root=hive_root, display_name=spec.text)


def filesystem(spec: CloudSpec, environ: Mapping[str, str]) -> fs.FileSystem:
    """Return the file system of the store. No request is sent, except on S3 without a region, to find the region.

    Raises:
        InputError: the settings are malformed, or the account is missing; this pyarrow was built without the store.
    """
    options: dict[str, Any]
    try:
        if spec.scheme == "s3":
            options = cloud_settings.s3(environ)
            if "region" not in options:
                options["region"] = fs.resolve_s3_region(spec.bucket)
            return fs.S3FileSystem(**options)
        if spec.scheme == "gs":
            return fs.GcsFileSystem(retry_time_limit=_RETRY_LIMIT, **cloud_settings.gcs(environ))
        return fs.AzureFileSystem(**cloud_settings.azure(spec, environ))
    except (ImportError, AttributeError):
        raise InputError(
            f"{spec.scheme}:// is not built into the installed pyarrow", hint="install pyarrow's own wheel from PyPI"
        ) from None


@contextlib.contextmanager
def _translated_errors(spec: CloudSpec, environ: Mapping[str, str]) -> Iterator[None]:
    """Convert errors of the store into DataError, with addresses and keys redacted."""
    try:
        yield
    except FileNotFoundError:
        message = f"{spec.text}: not found in the store"
        raise DataError(message, hint="check bucket and path", reason_code=cloud_settings.MISSING_OBJECT) from None
    except (OSError, pa.ArrowException) as error:
        message = cloud_settings.clean(str(error), environ)
        raise DataError(
            f"{spec.text}: cannot be read: {message}",
            hint="check the bucket, and that the credentials in the environment allow listing and reading it",
        ) from None


def _check_sizes(objects: list[RemoteObject], spec: CloudSpec, into: Path, limit: int) -> None:
    if len(objects) > MAX_FILES:
        raise DataError(f"{spec.text}: more than {MAX_FILES:,} files", hint="write fewer, larger files")
    size, free = sum(item.size for item in objects), shutil.disk_usage(into.parent).free
    if size > limit:
        raise DataError(f"{spec.text}: {size:,} bytes, more than the {limit:,} allowed", hint="name a part of it")
    if size > free:
        raise DataError(
            f"{spec.text}: {size:,} bytes, more than the {free:,} free on the disk", hint="name a part of it"
        )


def _download(
    store: fs.FileSystem, objects: list[RemoteObject], into: Path, spec: CloudSpec, progress: Callable[[str], None]
) -> None:
    transfer, total = _Transfer(), sum(item.size for item in objects)
    with ThreadPoolExecutor(max_workers=STREAMS, thread_name_prefix="fetch") as pool:
        pending = {pool.submit(_download_object, store, item, into, spec, transfer) for item in objects}
        try:
            while pending:
                done, pending = wait(pending, timeout=_PROGRESS_INTERVAL, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                received = transfer.bytes_received / _BLOCK
                progress(f"downloading {spec.text}: {received:,.0f} of {total / _BLOCK:,.0f} MiB")
        finally:
            # After an error or an interrupt, the remaining streams end at their next block.
            transfer.stop.set()
            pool.shutdown(cancel_futures=True)


def _download_object(
    store: fs.FileSystem, item: RemoteObject, into: Path, spec: CloudSpec, transfer: _Transfer
) -> None:
    """Download one object, and raise if its size is not the size that was listed."""
    path, size = into.joinpath(*item.parts), 0
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with store.open_input_stream(item.path) as source, path.open("xb") as target:
        while not transfer.stop.is_set() and (block := source.read(_BLOCK)):
            size += len(block)
            if size > item.size:
                break
            target.write(block)
            with transfer.lock:
                transfer.bytes_received += len(block)
    if size != item.size and not transfer.stop.is_set():
        raise DataError(f"{spec.text}: {item.parts[-1]} changed during the download", hint="run the job again")
