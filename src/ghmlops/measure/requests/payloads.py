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
_OBJECT = "to_json(row_)"
_SHAPE = "one request body a row: Parquet (column `body`, one column, or columns that become a JSON object), or JSONL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payloads:
    """The bodies in the file's order.

    Attributes:
        bodies: as they are sent.
        rows: each row as a JSON object, for templates; empty where they were not asked for.
        places: of each row in the file, from 1: the line of JSONL, the row of Parquet.
        cut: True where the file holds more than was read.
        fingerprint: `sha256:<hex>` of the file.
        shown: the file in messages.
        parquet: its format.
    """

    bodies: list[bytes]
    rows: list[bytes]
    places: list[int]
    cut: bool
    fingerprint: str
    shown: str
    parquet: bool

    def where(self, place: int) -> str:
        """Return file and row of the body at `place`, for messages."""
        return _where(self.shown, self.places[place], parquet=self.parquet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much may be read."""

    rows: int
    size: int


def read_payloads(
    path: Path, shown: str, room: Room | None = None, *, objects: bool = False, bodies: bool = True
) -> Payloads:
    """Read the payload file at `path`, called `shown` in messages; Parquet is known by its name or its first bytes.

    Parquet: the column `body`, else the only column, else all columns as one JSON object a row. Text and bytes are sent
    as they are; other types as JSON. JSONL: each line must be JSON and is sent as it is; blank lines are passed over.

    Args:
        path: the file.
        shown: its name for people.
        room: most rows and bytes; the module's limits where it is not given.
        objects: give each row as a JSON object too; a line of JSONL must be one then, and of Parquet an only column
            that is not called `body` is part of an object like any other.
        bodies: False where only the objects are needed.

    Raises:
        DataError: missing, unreadable, truncated, empty, not UTF-8, not JSON, or a row without a body; names the row.
    """
    room = room or Room(rows=MAX_ROWS, size=MAX_BYTES)
    try:
        if path.exists() and not path.is_file():  # a pipe would keep us waiting for ever
            what = "a folder" if path.is_dir() else "a pipe or a device"
            raise DataError(f"{shown} is {what}, not a payload file", hint=f"expected {_SHAPE}")
        with path.open("rb") as stream:
            head = stream.read(4)
        parquet = path.suffix.lower() == ".parquet" or head == _MAGIC
        read = _parquet if parquet else _lines
        found = _gather(read(path, shown, objects=objects, bodies=bodies), room, shown)
        digest = fingerprint(path)
    except FileNotFoundError:
        raise DataError(
            f"{shown}: no such file", hint="name the payload file with --payloads or in the policy"
        ) from None
    except OSError as error:
        raise DataError(f"{shown}: {error.strerror}", hint="check the path and its permissions") from None
    places, made, rows, cut = found
    return Payloads(
        bodies=made if bodies else [],
        rows=rows if objects else [],
        places=places,
        cut=cut,
        fingerprint=digest,
        shown=shown,
        parquet=parquet,
    )


def _gather(
    found: Iterator[tuple[int, bytes, bytes]], room: Room, shown: str
) -> tuple[list[int], list[bytes], list[bytes], bool]:
    """Take rows, each a place, a body and an object, as long as there is room."""
    places: list[int] = []
    bodies: list[bytes] = []
    rows: list[bytes] = []
    size, cut = 0, False
    for place, body, row in found:
        size += len(body) if body is row else len(body) + len(row)
        if len(places) == room.rows or size > room.size:
            cut = True
            break
        places.append(place)
        bodies.append(body)
        rows.append(row)
    if not places:
        what = f"its first row is larger than {show_size(room.size)}" if cut else "the payload file has no rows"
        raise DataError(f"{shown}: {what}", hint=f"expected {_SHAPE}")
    return places, bodies, rows, cut


def show_size(size: int) -> str:
    """Return bytes as MiB."""
    return f"{size / 1024**2:.3g} MiB"


def _where(shown: str, place: int, *, parquet: bool) -> str:
    return f"{shown}: row {place}" if parquet else f"{shown}:{place}"


def _lines(path: Path, shown: str, *, objects: bool, bodies: bool) -> Iterator[tuple[int, bytes, bytes]]:  # noqa: ARG001
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(MAX_LINE + 1):
            number += 1
            body = line.strip()
            if len(line) > MAX_LINE:
                raise DataError(f"{shown}:{number}: longer than {MAX_LINE} bytes", hint="one request body a line")
            if body:
                where = _where(shown, number, parquet=False)
                _check_json(body, where, "JSONL holds one JSON value a line")
                if objects and not body.startswith(b"{"):
                    raise DataError(
                        f"{where}: not a JSON object", hint="fields take their values from an object a line"
                    )
                yield number, body, body


def _check_json(body: bytes, where: str, hint: str) -> None:
    try:
        body.decode()
        msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8 at byte {error.start}", hint="save the file as UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error})", hint=hint) from None


def _parquet(path: Path, shown: str, *, objects: bool, bodies: bool) -> Iterator[tuple[int, bytes, bytes]]:
    import duckdb

    if any(c in str(path) for c in "*?["):
        raise DataError(f"{shown}: the path holds `*`, `?` or `[`", hint="rename the file, or move it")
    try:
        # One thread keeps the file's order; nothing but this file is read.
        with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as engine:
            columns = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            body, made_here = _body(columns, lone=not objects) if bodies else (_OBJECT, True)
            both = objects and body != _OBJECT
            query = f"SELECT {body}, {_OBJECT if both else 'NULL'} FROM read_parquet(?) AS row_ LIMIT {MAX_ROWS + 1}"  # noqa: S608  (quoted)
            found = engine.execute(query, [str(path)])
            number = 0
            while batch := found.fetchmany(1000):
                for value, row in batch:
                    number += 1
                    where = _where(shown, number, parquet=True)
                    sent = _row(value, where, made_here=made_here)
                    yield number, sent, _row(row, where, made_here=True) if both else sent
    except duckdb.Error as error:
        why = str(error).partition("\n")[0].replace(str(path), shown)
        raise DataError(
            f"{shown}: cannot be read as Parquet ({why})", hint="is the file whole? Write it again"
        ) from None


def _body(columns: list[tuple[str, str]], *, lone: bool) -> tuple[str, bool]:
    """Return the SQL expression of a row's body, and whether it makes JSON; `lone`: an only column is a body."""
    types = {name: kind for name, kind, *_ in columns}
    if "body" not in types and (len(types) > 1 or not lone):
        return _OBJECT, True
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
