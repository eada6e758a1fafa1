"""Reads the lines of a text file that may be compressed with gzip, in bounded memory and time."""

from __future__ import annotations

import gzip
import math
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_LINE = 1024 * 1024
"""Number of bytes of a line that are read."""
MAX_UNPACKED = 4 * 1024 * 1024 * 1024
"""Maximum number of bytes of a compressed file after decompression."""
MAX_BLANK_LINES = 10_000_000
"""Maximum number of blank lines."""
GZIP = b"\x1f\x8b"
_COMPRESSION = {b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "Zstandard", b"PK\x03\x04": "ZIP", b"\xfd7zX": "xz"}


@contextmanager
def open_text(path: Path, display_name: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if it is gzip, behind its byte order mark.

    Raises:
        DataError: The file has another compression, is not UTF-8, or its compressed data is damaged.
    """
    with path.open("rb") as file:
        head = file.read(4)
    for magic, name in _COMPRESSION.items():
        if head.startswith(magic):
            raise DataError(f"{display_name}: is compressed ({name})", hint="decompress it first, or use gzip")
    compressed = head.startswith(GZIP)
    try:
        with cast("IO[bytes]", gzip.open(path) if compressed else path.open("rb")) as stream:
            if compressed:
                head = stream.read(4)
            if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{display_name}: not UTF-8", hint="save the file as UTF-8")
            stream.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
            yield stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{display_name}: its compressed data is damaged or truncated ({error})", hint="check that it is complete"
        ) from None


def read_lines(path: Path, display_name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each line that is not blank, without its line break.

    Raises:
        DataError: As `open_text`; or the file is larger than the limit after decompression.
    """
    with path.open("rb") as file:
        limit = MAX_UNPACKED if file.read(2) == GZIP else math.inf
    with open_text(path, display_name) as stream:
        number, complete, size, blank = 0, True, 0, 0
        while line := stream.readline(MAX_LINE):
            begins, complete = complete, line.endswith(b"\n")
            number += begins
            size += len(line)
            if begins and line.strip():
                yield number, line.strip(b"\r\n")
            else:
                blank += begins
            if size > limit or blank > MAX_BLANK_LINES:
                raise DataError(
                    f"{display_name}: too large (more than {MAX_UNPACKED:,} bytes unpacked, or "
                    f"{MAX_BLANK_LINES:,} blank lines)",
                    hint="extract the part to be replayed",
                )


def read_all(path: Path, display_name: str, maximum: int) -> bytes:
    """Return the content of a file of at most `maximum` bytes after decompression.

    Raises:
        DataError: As `open_text`; or the file is larger.
    """
    with open_text(path, display_name) as stream:
        data = stream.read(maximum + 1)
    if len(data) > maximum:
        raise DataError(f"{display_name}: larger than {maximum:,} bytes", hint="extract the part to be replayed")
    return data
