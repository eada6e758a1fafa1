"""Reads request bodies from a file: one per row of Parquet, or one per line of JSONL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    _Settings = dict[str, str | bool | int | float | list[str]]
    Rows = Iterator[tuple[int, bytes, bytes]]
    """(position in the file, body, JSON object) of each row; the object equals the body if only one was requested."""

MAX_ROWS = 100_000
"""Maximum number of rows that are read; further rows are not sent, and the result reports the truncation."""
MAX_BYTES = 64 * 1024 * 1024
"""Maximum size in bytes of all bodies and objects that are read."""
MAX_LINE = 8 * 1024 * 1024
"""Maximum length in bytes of a line of JSONL."""
_MAGIC = b"PAR1"
_OBJECT = "to_json(row_)"
_EXPECTED = (
    "expected one request body per row: Parquet (column `body`, a single column, or columns that become a JSON "
    "object), or JSONL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """Request bodies in the order of the file.

    Attributes:
        bodies: Bodies as they are sent; empty if they were not requested.
        rows: Each row as a JSON object, for templates; empty if they were not requested.
        positions: One-based line number (JSONL) or row number (Parquet) of each body.
        truncated: Whether the file contains more rows than were read.
        fingerprint: `sha256:<hex>` of the file.
        display_name: Name of the file in messages.
        parquet: Whether the file is Parquet.
    """

    bodies: list[bytes]
    rows: list[bytes]
    positions: list[int]
    truncated: bool
    fingerprint: str
    display_name: str
    parquet: bool

    def location(self, index: int) -> str:
        """Return file name and row of the body at `index`, for messages."""
        return _location(self.display_name, self.positions[index], parquet=self.parquet)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """Maximum number of rows, and of bytes, to read from one file."""

    rows: int
    size: int


def read_payloads(
    path: Path, display_name: str, limits: ReadLimits | None = None, *, objects: bool = False, bodies: bool = True
) -> Payloads:
    """Read a payload file; Parquet is detected from the name or the first bytes, any other file is JSONL.

    Parquet: the body is the column `body`, else the only column, else all columns as one JSON object per row. Text and
    bytes are sent unchanged; other types as JSON. JSONL: each line must be JSON and is sent unchanged; blank lines are
    skipped.

    Args:
        path: The file.
        display_name: Human-readable name of the file for messages.
        limits: Maximum rows and bytes; by default `MAX_ROWS` and `MAX_BYTES`.
        objects: Whether to return each row as a JSON object, too. Each line of JSONL must then be an object, and a
            single column of Parquet that is not called `body` becomes a field of an object.
        bodies: Whether to return the bodies.

    Raises:
        DataError: The file is missing, unreadable, truncated or empty, or a row is not UTF-8, is not JSON or has no
            body; the message names the row.
    """
    limits = limits or ReadLimits(rows=MAX_ROWS, size=MAX_BYTES)
    try:
        if path.exists() and not path.is_file():  # Opening a pipe would block until somebody writes to it.
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise DataError(f"{display_name} is {kind}, not a payload file", hint=_EXPECTED)
        with path.open("rb") as stream:
            head = stream.read(4)
        parquet = path.suffix.lower() == ".parquet" or head == _MAGIC
        read_rows = _parquet_rows if parquet else _jsonl_rows
        content = _collect(read_rows(path, display_name, objects=objects, bodies=bodies), limits, display_name)
        digest = fingerprint(path)
    except FileNotFoundError:
        raise DataError(
            f"{display_name}: no such file", hint="name the payload file with --payloads or in the policy"
        ) from None
    except OSError as error:
        raise DataError(f"{display_name}: {error.strerror}", hint="check the path and its permissions") from None
    positions, body_values, rows, truncated = content
    return Payloads(
        bodies=body_values if bodies else [],
        rows=rows if objects else [],
        positions=positions,
        truncated=truncated,
        fingerprint=digest,
        display_name=display_name,
        parquet=parquet,
    )


def _collect(rows: Rows, limits: ReadLimits, display_name: str) -> tuple[list[int], list[bytes], list[bytes], bool]:
    """Collect positions, bodies and objects up to the limits; the last value is whether rows were left out."""
    positions: list[int] = []
    bodies: list[bytes] = []
    objects: list[bytes] = []
    size, truncated = 0, False
    for position, body, row in rows:
        size += len(body) if body is row else len(body) + len(row)
        if len(positions) == limits.rows or size > limits.size:
            truncated = True
            break
        positions.append(position)
        bodies.append(body)
        objects.append(row)
    if not positions:
        problem = (
            f"its first row is larger than {format_size(limits.size)}" if truncated else "the payload file has no rows"
        )
        raise DataError(f"{display_name}: {problem}", hint=_EXPECTED)
    return positions, bodies, objects, truncated


def format_size(size: int) -> str:
    """Format a number of bytes in MiB."""
    return f"{size / 1024**2:.3g} MiB"


def _location(display_name: str, position: int, *, parquet: bool) -> str:
    return f"{display_name}: row {position}" if parquet else f"{display_name}:{position}"


def _jsonl_rows(path: Path, display_name: str, *, objects: bool, bodies: bool) -> Rows:  # noqa: ARG001
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            location = _location(display_name, number, parquet=False)
            body = line.strip()
            if len(line) > MAX_LINE:
                raise DataError(f"{location}: longer than {MAX_LINE} bytes", hint="write one request body per line")
            if body:
                _check_json(body, location, "JSONL contains one JSON value per line")
                if objects and not body.startswith(b"{"):
                    raise DataError(
                        f"{location}: not a JSON object", hint="fields take their values from one object per line"
                    )
                yield number, body, body


def _check_json(body: bytes, location: str, hint: str) -> None:
    try:
        body.decode()
        msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise DataError(f"{location}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{location}: not JSON ({error})", hint=hint) from None


def _parquet_rows(path: Path, display_name: str, *, objects: bool, bodies: bool) -> Rows:
    import duckdb

    if any(c in str(path) for c in "*?["):  # DuckDB would expand them as a glob pattern.
        raise DataError(f"{display_name}: the path contains `*`, `?` or `[`", hint="rename or move the file")
    try:
        # A single thread preserves the order of the file.
        settings: _Settings = {"threads": 1, "memory_limit": "1GB", "disabled_optimizers": STATISTICS_OPTIMIZERS}
        with duckdb.connect(config=settings) as engine:
            columns = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            body, as_json = _body_expression(columns, single_column=not objects) if bodies else (_OBJECT, True)
            both = objects and body != _OBJECT
            query = f"SELECT {body}, {_OBJECT if both else 'NULL'} FROM read_parquet(?) AS row_ LIMIT {MAX_ROWS + 1}"  # noqa: S608  (quoted)
            cursor = engine.execute(query, [str(path)])
            number = 0
            while batch := cursor.fetchmany(1000):
                for value, row in batch:
                    number += 1
                    location = _location(display_name, number, parquet=True)
                    encoded = _encode(value, location, as_json=as_json)
                    yield number, encoded, _encode(row, location, as_json=True) if both else encoded
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0].replace(str(path), display_name)
        raise DataError(
            f"{display_name}: cannot be read as Parquet ({reason})", hint="check that the file is complete"
        ) from None


def _body_expression(columns: list[tuple[str, str]], *, single_column: bool) -> tuple[str, bool]:
    """Return the SQL expression of the body of a row, and whether its value is JSON made by DuckDB.

    `single_column` states whether the only column of a table is the body, even if it is not called `body`.
    """
    types = {name: kind for name, kind, *_ in columns}
    if "body" not in types and (len(types) > 1 or not single_column):
        return _OBJECT, True
    name = "body" if "body" in types else next(iter(types))
    quoted = '"' + name.replace('"', '""') + '"'
    if types[name] in ("VARCHAR", "BLOB"):
        return quoted, False
    return f"CASE WHEN {quoted} IS NULL THEN NULL ELSE to_json({quoted}) END", True


def _encode(value: str | bytes | None, location: str, *, as_json: bool) -> bytes:
    if value is None:
        raise DataError(f"{location}: the body is null", hint="remove the row, or add its body")
    body = value if isinstance(value, bytes) else value.encode()
    if as_json:  # DuckDB writes a NaN as text that is not valid JSON.
        _check_json(body, location, "JSON has no NaN and no infinity: write null, or remove the row")
    return body
