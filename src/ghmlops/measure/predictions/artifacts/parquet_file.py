"""One artifact on disk: is it a Parquet file that may be opened?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

MAX_ROWS = 500_000_000
MAX_UNPACKED = 64 * 1024**3
"""Bytes of all pages after decompression."""
FREE_ROWS = 1_000_000
MAX_ROWS_PER_BYTE = 32
"""Beyond `FREE_ROWS`. Keys are unique and scores hardly compress: real artifacts have less than one row a byte."""
_MAGIC, _ENCRYPTED = b"PAR1", b"PARE"
_TAIL = 8


def check_bytes(path: Path, shown: str) -> int:
    """Look at the first and last bytes of a file and return its size.

    Args:
        path: where it is.
        shown: how messages call it.

    Raises:
        DataError: it is missing, not a file, not Parquet, truncated, or encrypted.
    """
    try:
        if not path.exists():
            raise DataError(
                f"{shown}: no such file", hint="check the path; `regression.artifacts` in the policy names it"
            )
        if not path.is_file():
            raise DataError(f"{shown}: not a file", hint="name one Parquet file")
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4)
            stream.seek(max(size - _TAIL, 0))
            tail = stream.read(_TAIL)
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check that the file can be read") from None
    if size == 0:
        raise DataError(f"{shown}: the file is empty", hint="did the job that writes it finish?")
    if _ENCRYPTED in (head, tail[-4:]):
        raise DataError(f"{shown}: encrypted Parquet", hint="write it without encryption; there is no place for a key")
    if head != _MAGIC:
        raise DataError(f"{shown}: not a Parquet file", hint="write predictions with `to_parquet` or the like")
    if tail[-4:] != _MAGIC or size < 12:
        raise DataError(
            f"{shown}: truncated, the end of the Parquet file is missing", hint="write or download it again"
        )
    if int.from_bytes(tail[:4], "little") > size - 12:
        raise DataError(f"{shown}: damaged, its footer is longer than the file", hint="write or download it again")
    return size


def check_footer(shown: str, *, size: int, rows: int, unpacked: int) -> None:
    """Refuse a file whose footer promises more than an artifact can hold.

    Args:
        shown: how messages call it.
        size: bytes of the file.
        rows: rows that the footer promises.
        unpacked: bytes of all pages after decompression, as the footer says.

    Raises:
        DataError: it is over one of the limits above.
    """
    hint = "is this a prediction artifact? One row a prediction, with a unique key"
    if rows < 0 or unpacked < 0:
        raise DataError(f"{shown}: damaged, its footer holds negative sizes", hint="write or download it again")
    if rows > MAX_ROWS:
        raise DataError(f"{shown}: {rows:,} rows, more than {MAX_ROWS:,}", hint=hint)
    if unpacked > MAX_UNPACKED:
        raise DataError(f"{shown}: {unpacked:,} bytes when unpacked, more than {MAX_UNPACKED:,}", hint=hint)
    if rows > FREE_ROWS + MAX_ROWS_PER_BYTE * size:
        raise DataError(
            f"{shown}: {rows:,} rows in {size:,} bytes, which no artifact with unique keys can hold", hint=hint
        )
