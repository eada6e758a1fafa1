"""Unpacks an untrusted ZIP archive into a new folder, after checking everything that the archive lists."""

from __future__ import annotations

import contextlib
import errno
import stat
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ghmlops.core.artifacts.safe_path import inner_parts
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _LOCATOR64_SIZE = 22, 56, 20
_CHUNK = 1024 * 1024
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Supported compression methods: they unpack in little memory, and GitHub's actions write no other."""
_HINT = "upload it again with actions/upload-artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on the content of an archive.

    Attributes:
        files: Maximum number of entries.
        size: Maximum unpacked size of all files in bytes.
        ratio: Maximum unpacked size per byte of the archive. Deflate reaches 1,032; tables stay far below 200.
        free: Unpacked size in bytes to which the ratio does not apply.
        listing: Maximum size of the central directory in bytes, which is read into memory.
    """

    files: int = 20_000
    size: int = 64 * 1024**3
    ratio: int = 200
    free: int = 64 * 1024**2
    listing: int = 16 * 1024**2


def unpack(
    archive: Path, target: Path, display_name: str, select: Callable[[str], bool], limits: Limits | None = None
) -> int:
    """Unpack the selected files of a ZIP archive.

    All entries are checked, selected or not, before the first file is written. Folders are created as files need them;
    times and permissions of the archive are ignored.

    Args:
        archive: The archive.
        target: Folder to create, accessible to this user only; its parent exists.
        display_name: Name of the archive in messages.
        select: Returns whether to unpack the file with this path in the archive.
        limits: Limits on the content; by default `Limits()`.

    Returns:
        Number of files that were unpacked.

    Raises:
        DataError: The file is not a ZIP archive, is damaged or encrypted, or exceeds the limits; an entry leads out of
            the folder, is duplicated, or is a link or a device; or `target` exists.
    """
    limits = limits or Limits()
    with _as_data_error(display_name):
        _check_directory_size(archive, display_name, limits)
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            _check_entries(entries, archive.stat().st_size, display_name, limits)
            selection = [entry for entry in entries if not entry.is_dir() and select(entry.filename)]
            _create(target, display_name)
            for entry in selection:
                _write(opened, entry, target, display_name)
    return len(selection)


@contextlib.contextmanager
def _as_data_error(display_name: str) -> Iterator[None]:
    """Convert the exceptions of `zipfile` for malformed archives, and those of the file system, to DataError."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise DataError(f"{display_name}: a damaged ZIP archive ({_printable(str(error))})", hint=_HINT) from None
    except FileExistsError:
        raise DataError(f"{display_name}: two of its names are equal on this file system", hint=_HINT) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # An offset before the start of the archive.
            raise DataError(f"{display_name}: a damaged ZIP archive (an impossible offset)", hint=_HINT) from None
        raise DataError(
            f"{display_name}: cannot be unpacked: {error.strerror or error}", hint="check the free disk space"
        ) from None


def _create(target: Path, display_name: str) -> None:
    try:
        target.mkdir(mode=0o700)
    except FileExistsError:
        raise DataError(
            f"{display_name}: cannot be unpacked to {target}, which exists", hint="remove that folder"
        ) from None


def _check_directory_size(archive: Path, display_name: str, limits: Limits) -> None:
    """Check the size of the central directory, from the end-of-central-directory record, before it is read.

    An archive with a comment is refused: the comment could contain a second such record, and readers would disagree on
    the content.
    """
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        record = _read_end(stream, size, _END_SIZE)
        if len(record) < _END_SIZE or record[:4] != _END or record[-2:] != b"\0\0":
            raise DataError(f"{display_name}: not a ZIP archive, or truncated", hint=_HINT)
        count, length = struct.unpack_from("<HI", record, 10)
        record64 = _read_end(stream, size, _END_SIZE + _LOCATOR64_SIZE + _END64_SIZE)
    if record64[_END64_SIZE : _END64_SIZE + 4] == _LOCATOR64 and record64[:4] == _END64:
        count, length = struct.unpack_from("<QQ", record64, 32)
    if count > limits.files or length > limits.listing:
        raise DataError(f"{display_name}: more than {limits.files:,} files", hint="write fewer, larger files")


def _read_end(stream: IO[bytes], size: int, count: int) -> bytes:
    stream.seek(max(size - count, 0))
    return stream.read(count)


def _check_entries(entries: Iterable[zipfile.ZipInfo], packed: int, display_name: str, limits: Limits) -> None:
    """Check all entries of an archive of `packed` bytes: each by itself, and their names and sizes together."""
    files, folders = dict[str, str](), set[str]()
    size = stored = count = 0
    for entry in entries:
        count += 1
        if problem := _problem(entry):
            raise DataError(f'{display_name}: "{_printable(entry.orig_filename)}" in it {problem}', hint=_HINT)
        # Some file systems treat both Unicode forms of a name as the same name.
        key = unicodedata.normalize("NFC", entry.filename.removesuffix("/"))
        parents = key.split("/")[:-1]
        folders.update("/".join(parents[:depth]) for depth in range(1, len(parents) + 1))
        if entry.is_dir():
            folders.add(key)
        elif key in files:
            raise DataError(f'{display_name}: "{_printable(key)}" in it is duplicated', hint=_HINT)
        else:
            files[key] = entry.filename
        size, stored = size + entry.file_size, stored + entry.compress_size
    if name := next((name for name in files if name in folders), ""):
        raise DataError(f'{display_name}: "{_printable(name)}" in it is both a file and a folder', hint=_HINT)
    if count > limits.files:
        raise DataError(f"{display_name}: more than {limits.files:,} files", hint="write fewer, larger files")
    # A zip bomb can refer to the same compressed bytes from many entries.
    if stored > packed:
        raise DataError(f"{display_name}: a damaged ZIP archive (its files overlap)", hint=_HINT)
    if size > limits.size or size > max(limits.free, limits.ratio * packed):
        raise DataError(
            f"{display_name}: {packed:,} bytes would unpack to {size:,}",
            hint=f"at most {limits.size:,} bytes, and {limits.ratio} times the archive; write Parquet with compression",
        )


def _problem(entry: zipfile.ZipInfo) -> str:
    """Return why an entry is refused; empty if it is accepted."""
    if entry.orig_filename != entry.filename:
        return "has a name that operating systems read differently"
    try:
        inner_parts(entry.filename.removesuffix("/") if entry.is_dir() else entry.filename)
    except ValueError as error:
        return str(error)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is neither a file nor a folder"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return "" if entry.compress_type in _METHODS else "is compressed by a method other than deflate"


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, display_name: str) -> None:
    """Write one file, and stop if it is larger than the archive states."""
    path = target.joinpath(*inner_parts(entry.filename))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = 0
    with opened.open(entry) as source, path.open("xb") as stream:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > entry.file_size:
                raise DataError(f"{display_name}: a damaged ZIP archive (a file is larger than stated)", hint=_HINT)
            stream.write(chunk)
    if size != entry.file_size:
        raise DataError(f"{display_name}: a damaged ZIP archive (a file is smaller than stated)", hint=_HINT)


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:120])
