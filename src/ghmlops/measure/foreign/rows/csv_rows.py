"""Reads CSV of other tools row by row."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HINT = "check that the file is complete and from this tool"


def read_rows(
    data: bytes, tool: str, required: Sequence[str], header: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line number and the fields of each row.

    Args:
        data: Content of the file.
        tool: Name of the tool in messages.
        required: Columns that must exist.
        header: Names of the columns, if the file has no header.

    Raises:
        DataError: The file is not UTF-8 or not CSV, lacks a column, or a row has another length.
    """
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise DataError(f"the file of {tool} is not UTF-8 at byte {error.start}", hint=_HINT) from None
    reader = csv.reader(text, strict=True)
    try:
        names = list(header) or [name.strip() for name in next(reader, [])]
        for name in required:
            if names.count(name) != 1:
                raise DataError(f"the file of {tool} has no single column `{name}`", hint=_HINT)
        for row in reader:
            if len(row) != len(names):
                if not any(row):
                    continue
                raise DataError(
                    f"the file of {tool} has a row of {len(row)} instead of {len(names)} fields in line "
                    f"{reader.line_num}: it is truncated or was edited",
                    hint=_HINT,
                )
            yield reader.line_num, dict(zip(names, row, strict=True))
    except csv.Error as error:
        raise DataError(f"the file of {tool} is not CSV in line {reader.line_num}: {error}", hint=_HINT) from None


def number(row: dict[str, str], name: str, line: int, maximum: float) -> float:
    """Return a number of a row that is within [0, maximum].

    Raises:
        DataError: It is not.
    """
    try:
        value = float(row[name])
    except ValueError:
        value = math.nan
    if not 0 <= value <= maximum:
        raise DataError(
            f"`{name}` in line {line}: {row[name][:40]!r} is not a number from 0 to {maximum:,.0f}", hint=_HINT
        )
    return value


def status(text: str) -> int:
    """Return an HTTP status; 0 for a text that is not one, such as the name of an error."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) == 3 else 0
