# ruff: noqa: S608  (every name in the SQL is quoted by `identifier`, every text by `literal`)
"""Locates what an engine cannot read: in which file and column, and whether the file is damaged or only of that kind.

DuckDB reports neither the file nor the column. A column that nothing uses and that is valid but of a kind that the
engine lacks (an encoding, a type, encryption) is set aside; a damaged one is always an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.page_checksums import PageError
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.session import VALUE_ERROR

if TYPE_CHECKING:
    from collections.abc import Collection

    from ghmlops.measure.predictions.engine.session import Session

_LACKING = re.compile(r"not (yet )?(supported|implemented)|unsupported|only supported|not currently support", re.I)
"""Messages of DuckDB about a valid file."""
_OUTSIDE_DAY = re.compile(r"TIME values must be within a day")
"""Message of DuckDB about a TIME column of a file that is valid otherwise."""
_ENCRYPTED = re.compile(r"encrypt|crypto", re.I)
_PREFIX = re.compile(r"a prediction artifact cannot be read: |^(Invalid Input|IO|Not implemented|INTERNAL) Error: ")


def set_aside_unreadable(session: Session, used: dict[str, Collection[str]], cause: DataError) -> None:
    """Set the columns aside that cannot be read and that nothing uses.

    Args:
        session: a session in which a query or a check of pages failed.
        used: by role: the columns, with the names of the artifact, that the comparison reads.
        cause: the error of the query or the check.

    Raises:
        DataError: a column that is used cannot be read, or a column is damaged; `cause` if no column is unreadable.
    """
    located = False
    for role, source in session.sources.items():
        for column in () if source.table is not None else session.types(role):
            message, file = _read_column(session, role, column)
            if not message:
                continue
            reason, hint = _describe(message)
            why = f'{file}: column "{column}" {reason}'
            if hint is None:
                # A check of pages is more specific than the engine: it names the row group.
                raise cause if isinstance(cause, PageError) else DataError(why, hint="write or download it again")
            if column in used[role]:
                raise DataError(why, hint=hint)
            session.set_aside(role, {column: why})
            located = True
    if not located:
        raise cause


def _describe(message: str) -> tuple[str, str | None]:
    """Return what is wrong with a column, and how to fix it; None for damage."""
    if _ENCRYPTED.search(message):
        return "is encrypted", "write it without encryption; ghmlops accepts no decryption key"
    text = _PREFIX.sub("", _PREFIX.sub("", message.split("\n", 1)[0]))
    if message.startswith(VALUE_ERROR):
        return f"has a value that DuckDB cannot represent: {message.removeprefix(VALUE_ERROR)}", "replace it by null"
    if _OUTSIDE_DAY.search(message):
        return "has a time of day that is not within a day", "replace it by null"
    if _LACKING.search(message):
        return f"cannot be read by this version of DuckDB: {text}", "write it with another encoding or type"
    return f"cannot be read: {text}", None


def _read_column(session: Session, role: str, column: str) -> tuple[str, str]:
    """Read one column completely; return the engine's message and the name of the file, or two empty texts."""
    source, links = session.sources[role], session.files(role)
    hive = "hive_partitioning = " + ("true" if session.has_partitions(role) else "false")

    def problem(files: list[str]) -> str:
        names = ", ".join(literal(file) for file in files)
        try:
            session.rows(f"SELECT bit_xor(hash({identifier(column)})) FROM read_parquet([{names}], {hive})")
        except DataError as error:
            return error.message
        return ""

    if not (message := problem(links)):
        return "", ""
    for file, link in zip(source.files, links, strict=True):
        if own := problem([link]):
            return own, source.file_display_name(file)
    return message, source.display_name
