"""Unpacking an archive that somebody else made: bounded before it is believed, into a folder that is new."""

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
_TAKEN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Methods that unpack in little memory; GitHub's actions write no other."""
_HINT = "upload it again with actions/upload-artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may hold."""

    files: int = 20_000
    size: int = 64 * 1024**3
    """Bytes of all files together."""
    ratio: int = 200
    """Bytes of all files for one byte of the archive; deflate alone reaches 1,032, honest tables stay far below."""
    free: int = 64 * 1024**2
    """Bytes that any archive may unpack to, whatever the ratio."""
    listing: int = 16 * 1024**2
    """Bytes of the list of names, which is read into memory."""


def unpack(archive: Path, into: Path, shown: str, keep: Callable[[str], bool], limits: Limits | None = None) -> int:
    """Unpack the files of a ZIP archive that `keep` (given the path inside) wants, and return how many.

    All that the archive lists is checked, wanted or not, before the first file is written. Folders are made as files
    need them; times and modes of the archive are not taken over.

    Args:
        archive: the file.
        into: folder to be made, private; its parent exists.
        shown: how messages call the archive.
        keep: chooses files.
        limits: bounds; the usual ones where not given.

    Raises:
        DataError: no ZIP archive, damaged, encrypted; a name that leads elsewhere or comes twice, a link or a device;
            too many files, or too much in them.
    """
    bounds = limits or Limits()
    with _explained(shown):
        _check_listing(archive, shown, bounds)
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            _check_entries(entries, archive.stat().st_size, shown, bounds)
            wanted = [entry for entry in entries if not entry.is_dir() and keep(entry.filename)]
            _make(into, shown)
            for entry in wanted:
                _write(opened, entry, into, shown)
    return len(wanted)


@contextlib.contextmanager
def _explained(shown: str) -> Iterator[None]:
    """Turn what `zipfile` raises over bytes that fit no format, and the file system's refusals, into ours."""
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
        raise DataError(f"{shown}: a damaged ZIP archive ({_printable(str(error))})", hint=_HINT) from None
    except FileExistsError:
        raise DataError(f"{shown}: two of its names are one for this file system", hint=_HINT) from None
    except OSError as error:
        if error.errno == errno.EINVAL:  # an offset before the start
            raise DataError(f"{shown}: a damaged ZIP archive (an impossible offset)", hint=_HINT) from None
        raise DataError(
            f"{shown}: cannot be unpacked: {error.strerror or error}", hint="is there room on the disk?"
        ) from None


def _make(into: Path, shown: str) -> None:
    try:
        into.mkdir(mode=0o700)
    except FileExistsError:
        raise DataError(f"{shown}: cannot be unpacked over {into}", hint="remove that folder") from None


def _check_listing(archive: Path, shown: str, limits: Limits) -> None:
    """Bound the list of names before it is read: by the record at the very end, as archives without a comment have it.

    A comment is refused, for with one there may be two such records, and readers that believe different ones.
    """
    size = archive.stat().st_size
    with archive.open("rb") as stream:
        tail = _last(stream, size, _END_SIZE)
        if len(tail) < _END_SIZE or tail[:4] != _END or tail[-2:] != b"\0\0":
            raise DataError(f"{shown}: not a ZIP archive, or cut off", hint=_HINT)
        count, length = struct.unpack_from("<HI", tail, 10)
        wide = _last(stream, size, _END_SIZE + _LOCATOR64_SIZE + _END64_SIZE)
    if wide[_END64_SIZE : _END64_SIZE + 4] == _LOCATOR64 and wide[:4] == _END64:
        count, length = struct.unpack_from("<QQ", wide, 32)
    if count > limits.files or length > limits.listing:
        raise DataError(f"{shown}: more than {limits.files:,} files", hint="write fewer, larger files")


def _last(stream: IO[bytes], size: int, count: int) -> bytes:
    stream.seek(max(size - count, 0))
    return stream.read(count)


def _check_entries(entries: Iterable[zipfile.ZipInfo], packed: int, shown: str, limits: Limits) -> None:
    files, folders = dict[str, str](), set[str]()
    size = stored = count = 0
    for entry in entries:
        count += 1
        why = _problem(entry)
        if why:
            raise DataError(f'{shown}: "{_printable(entry.orig_filename)}" in it {why}', hint=_HINT)
        key = unicodedata.normalize("NFC", entry.filename.removesuffix("/"))
        above = key.split("/")[:-1]
        folders.update("/".join(above[:depth]) for depth in range(1, len(above) + 1))
        if entry.is_dir():
            folders.add(key)
        elif key in files:
            raise DataError(f'{shown}: "{_printable(key)}" in it is there twice', hint=_HINT)
        else:
            files[key] = entry.filename
        size, stored = size + entry.file_size, stored + entry.compress_size
    if both := next((name for name in files if name in folders), ""):
        raise DataError(f'{shown}: "{_printable(both)}" in it is a file and a folder', hint=_HINT)
    if count > limits.files:
        raise DataError(f"{shown}: more than {limits.files:,} files", hint="write fewer, larger files")
    if stored > packed:
        raise DataError(f"{shown}: a damaged ZIP archive (its files overlap)", hint=_HINT)
    if size > limits.size or size > max(limits.free, limits.ratio * packed):
        raise DataError(
            f"{shown}: {packed:,} bytes would unpack to {size:,}",
            hint=f"at most {limits.size:,} bytes, and {limits.ratio} times the archive; write Parquet with compression",
        )


def _problem(entry: zipfile.ZipInfo) -> str:
    """Return why an entry is not taken, or empty."""
    if entry.orig_filename != entry.filename:
        return "has a name that systems read differently"
    try:
        inner_parts(entry.filename.removesuffix("/") if entry.is_dir() else entry.filename)
    except ValueError as error:
        return str(error)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
        return "is a link" if kind == stat.S_IFLNK else "is neither a file nor a folder"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return "" if entry.compress_type in _TAKEN else "is packed by a method other than deflate"


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, into: Path, shown: str) -> None:
    """Write one file, and stop where it is larger than the archive said."""
    path = into.joinpath(*inner_parts(entry.filename))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    size = 0
    with opened.open(entry) as source, path.open("xb") as stream:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > entry.file_size:
                raise DataError(f"{shown}: a damaged ZIP archive (a file is larger than it says)", hint=_HINT)
            stream.write(chunk)
    if size != entry.file_size:
        raise DataError(f"{shown}: a damaged ZIP archive (a file is shorter than it says)", hint=_HINT)


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name[:120])
