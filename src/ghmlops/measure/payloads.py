"""Request bodies from a file: one a row of Parquet, one a line of JSONL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.measure.checkout import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_ROWS = 100_000
MAX_BYTES = 64 * 1024 * 1024
"""Most rows and bytes of bodies that are read; what lies beyond is not sent, and the result says so."""
MAX_LINE = 8 * 1024 * 1024
_MAGIC = b"PAR1"
_SHAPE = "one request body a row: Parquet (column `body`, one column, or columns that become a JSON object), or JSONL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """The bodies in the file's order.

    Attributes:
        bodies: as they are sent.
        cut: True where the file holds more than was read.
        fingerprint: `sha256:<hex>` of the file.
    """

    bodies: list[bytes]
    cut: bool
    fingerprint: str


def read_payloads(path: Path, shown: str) -> Payloads:
    """Read the payload file at `path`, called `shown` in messages; Parquet is known by its name or its first bytes.

    Parquet: the column `body`, else the only column, else all columns as one JSON object a row. Text and bytes are sent
    as they are; other types as JSON. JSONL: each line must be JSON and is sent as it is; blank lines are passed over.

    Raises:
        DataError: missing, unreadable, truncated, empty, not UTF-8, not JSON, or a row without a body; names the row.
    """
    try:
        if path.is_dir():
            raise DataError(f"{shown} is a folder, not a payload file", hint=f"expected {_SHAPE}")
        with path.open("rb") as stream:
            head = stream.read(4)
        parquet = path.suffix.lower() == ".parquet" or head == _MAGIC
        bodies: list[bytes] = []
        size, cut = 0, False
        for body in _parquet(path, shown) if parquet else _lines(path, shown):
            if len(bodies) == MAX_ROWS or size + len(body) > MAX_BYTES:
                cut = True
                break
            bodies.append(body)
            size += len(body)
        digest = fingerprint(path)
    except FileNotFoundError:
        raise DataError(
            f"{shown}: no such file", hint="name the payload file with --payloads or in the policy"
        ) from None
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check the path and its permissions") from None
    if not bodies:
        what = "its first row is larger than 64 MiB" if cut else "the payload file has no rows"
        raise DataError(f"{shown}: {what}", hint=f"expected {_SHAPE}")
    return Payloads(bodies=bodies, cut=cut, fingerprint=digest)


def _lines(path: Path, shown: str) -> Iterator[bytes]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            body = line.strip()
            if len(line) > MAX_LINE:
                raise DataError(f"{shown}:{number}: longer than {MAX_LINE} bytes", hint="one request body a line")
            if body:
                _check_json(body, f"{shown}:{number}", "JSONL holds one JSON value a line")
                yield body


def _check_json(body: bytes, where: str, hint: str) -> None:
    try:
        body.decode()
        msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error})", hint=hint) from None


def _parquet(path: Path, shown: str) -> Iterator[bytes]:
    import duckdb

    if any(c in str(path) for c in "*?["):
        raise DataError(f"{shown}: the path holds `*`, `?` or `[`", hint="rename the file, or move it")
    try:
        # One thread keeps the file's order; nothing but this file is read.
        with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as engine:
            rows = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            body, made_here = _body(rows)
            query = f"SELECT {body} FROM read_parquet(?) AS row_ LIMIT {MAX_ROWS + 1}"  # noqa: S608  (quoted)
            found = engine.execute(query, [str(path)])
            number = 0
            while batch := found.fetchmany(1000):
                for (value,) in batch:
                    number += 1
                    yield _row(value, f"{shown}: row {number}", made_here=made_here)
    except duckdb.Error as error:
        why = str(error).partition("\n")[0].replace(str(path), shown)
        raise DataError(
            f"{shown}: cannot be read as Parquet ({why})", hint="is the file whole? Write it again"
        ) from None


def _body(columns: list[tuple[str, str]]) -> tuple[str, bool]:
    """Return the SQL expression of a row's body, and whether it makes JSON."""
    types = {name: kind for name, kind, *_ in columns}
    if len(types) > 1 and "body" not in types:
        return "to_json(row_)", True
    name = "body" if "body" in types else next(iter(types))
    quoted = '"' + name.replace('"', '""') + '"'
    if types[name] in ("VARCHAR", "BLOB"):
        return quoted, False
    return f"CASE WHEN {quoted} IS NULL THEN NULL ELSE to_json({quoted}) END", True


def _row(value: str | bytes | None, where: str, *, made_here: bool) -> bytes:
    if value is None:
        raise DataError(f"{where}: the body is null", hint="leave the row out, or write the body")
    body = value if isinstance(value, bytes) else value.encode()
    if made_here:  # a NaN becomes text that no JSON parser takes
        _check_json(body, where, "JSON has no NaN and no infinity; write null, or leave the row out")
    return body
