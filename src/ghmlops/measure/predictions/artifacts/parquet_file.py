"""Checks that a file is a Parquet file that is safe to open, before the engine reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.artifacts.data_file import HEAD_BYTES, LFS_HINT, LFS_POINTER, compression_of
from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ROWS = 500_000_000
MAX_UNPACKED = 64 * 1024**3
"""Maximum size of all pages after decompression, in bytes."""
FREE_ROWS = 1_000_000
MAX_ROWS_PER_BYTE = 32
"""Applies beyond `FREE_ROWS`. Keys are unique and scores hardly compress: real artifacts have less than one row per
byte."""
_MAGIC, _ENCRYPTED_MAGIC = b"PAR1", b"PARE"
_TAIL_BYTES = 8
_MIN_BYTES = 12
"""Size of the smallest Parquet file: two magic numbers and the length of the footer."""


def check_bytes(path: Path, display_name: str) -> int:
    """Check the first and last bytes of a Parquet file and return its size in bytes.

    Args:
        path: the file.
        display_name: name of the file in messages.

    Raises:
        DataError: the file is missing, not a regular file, not Parquet, truncated, or encrypted.
    """
    try:
        if not path.exists():
            raise DataError(
                f"{display_name}: no such file", hint="check the path; `regression.artifacts` in the policy names it"
            )
        if not path.is_file():
            raise DataError(f"{display_name}: not a file", hint="name one Parquet file")
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            stream.seek(max(size - _TAIL_BYTES, 0))
            tail = stream.read(_TAIL_BYTES)
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check that the file can be read") from None
    if size == 0:
        raise DataError(f"{display_name}: the file is empty", hint="check that the job that writes it finished")
    if _ENCRYPTED_MAGIC in (head[:4], tail[-4:]):
        raise DataError(
            f"{display_name}: encrypted Parquet", hint="write it without encryption; ghmlops accepts no decryption key"
        )
    if compression := compression_of(head):
        raise DataError(
            f"{display_name}: compressed with {compression}, not a Parquet file itself",
            hint="decompress it; Parquet compresses its own pages, for example with `compression='zstd'`",
        )
    if head == LFS_POINTER:
        raise DataError(f"{display_name}: a pointer of Git LFS, not the file itself", hint=LFS_HINT)
    if head[:4] != _MAGIC:
        raise DataError(f"{display_name}: not a Parquet file", hint="write predictions with `to_parquet` or similar")
    if tail[-4:] != _MAGIC or size < _MIN_BYTES:
        raise DataError(
            f"{display_name}: truncated, the end of the Parquet file is missing", hint="write or download it again"
        )
    if int.from_bytes(tail[:4], "little") > size - _MIN_BYTES:
        raise DataError(
            f"{display_name}: damaged, its footer is longer than the file", hint="write or download it again"
        )
    return size


def check_footer(display_name: str, *, size: int, rows: int, unpacked: int) -> None:
    """Reject a file whose footer declares more data than a prediction artifact can contain.

    Args:
        display_name: name of the file in messages.
        size: size of the file in bytes.
        rows: number of rows that the footer declares.
        unpacked: size of all pages after decompression in bytes, as the footer declares it.

    Raises:
        DataError: a number is negative or exceeds one of the limits of this module.
    """
    hint = "check that this is a prediction artifact: one row per prediction, with a unique key"
    if rows < 0 or unpacked < 0:
        raise DataError(
            f"{display_name}: damaged, its footer contains negative sizes", hint="write or download it again"
        )
    if rows > MAX_ROWS:
        raise DataError(f"{display_name}: {rows:,} rows, more than the {MAX_ROWS:,} allowed", hint=hint)
    if unpacked > MAX_UNPACKED:
        raise DataError(
            f"{display_name}: {unpacked:,} bytes after decompression, more than the {MAX_UNPACKED:,} allowed", hint=hint
        )
    if rows > FREE_ROWS + MAX_ROWS_PER_BYTE * size:
        raise DataError(
            f"{display_name}: {rows:,} rows in {size:,} bytes, which is impossible with unique keys", hint=hint
        )
