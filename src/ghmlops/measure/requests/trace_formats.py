"""The file formats of recordings. Each reader yields a line number with a stamp, or with the reason why there is none.

Text is read line by line, in bounded memory; a line beyond the limit is cut there.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError, nearest
from ghmlops.measure.requests.timestamps import Stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Found = Iterator[tuple[int, int | str]]

MAX_LINE = 1024 * 1024
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "ZIP",
    b"\xfd7zX": "xz",
}
_NAMES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_FORMATS = "`common`, `combined`, `csv`, `jsonl` or `parquet`"
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "DOUBLE",
)


def known_format(path: Path, shown: str) -> str:
    """Return the format of a recording by its name, or else by its first line.

    Raises:
        DataError: it is of none.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1":
        return "parquet"
    if path.suffix.lower() in _NAMES:
        return _NAMES[path.suffix.lower()]
    first = next((line for _, line in _lines(path, shown)), b"")
    if first.startswith(b"{"):
        return "jsonl"
    try:
        Stamps().log_line(first)
    except ValueError:
        pass
    else:
        return "common"
    if not first:
        raise DataError(f"{shown}: the recording is empty", hint="gaps need at least two requests")
    raise DataError(f"{shown}: its format is not known by its name or its first line", hint=f"set `format`: {_FORMATS}")


def _lines(path: Path, shown: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers, without their ends."""
    with path.open("rb") as stream:
        head = stream.read(4)
        for magic, name in _PACKED.items():
            if head.startswith(magic):
                raise DataError(f"{shown}: is compressed ({name})", hint="unpack it first")
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{shown}: not UTF-8", hint="save the file as UTF-8")
        stream.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
        number, whole = 0, True
        while line := stream.readline(MAX_LINE):
            begins, whole = whole, line.endswith(b"\n")
            number += begins
            if begins and line.strip():
                yield number, line.strip(b"\r\n")


def _log(path: Path, shown: str, _time: str) -> Found:
    stamps = Stamps()
    for number, line in _lines(path, shown):
        try:
            yield number, stamps.log_line(line)
        except ValueError as error:
            yield number, str(error)


def _jsonl(path: Path, shown: str, time: str) -> Found:
    stamps, decode = Stamps(), msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    checked = False
    for number, line in _lines(path, shown):
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield number, "not a JSON object"
            continue
        if not checked and time not in row:
            raise DataError(f"{shown}:{number}: no key `{time}`", hint=_columns(time, list(row)))
        checked = True
        try:
            yield number, stamps.value(msgspec.json.decode(row[time]) if time in row else None)
        except UnicodeDecodeError:
            yield number, "not UTF-8"
        except (msgspec.DecodeError, RecursionError):
            yield number, "not a JSON object"
        except ValueError as error:
            yield number, str(error)


def _csv(path: Path, shown: str, time: str) -> Found:
    """Read CSV with a header; a row that swallowed several lines, by an unclosed quote, counts as that many."""
    places: list[int] = []

    def texts() -> Iterator[str]:
        for number, line in _lines(path, shown):
            places.append(number)
            yield line.decode(errors="replace") + "\n"

    rows = csv.reader(texts(), strict=True)
    stamps = Stamps()
    header: list[str] = []
    while True:
        places.clear()
        try:
            row = next(rows, None)
        except csv.Error:
            row = []
        if row is None:
            return
        if not header:
            header = [name.strip() for name in row]
            if header.count(time) != 1:
                what = "twice the column" if time in header else "no column"
                raise DataError(f"{shown}: {what} `{time}`", hint=_columns(time, header))
            column = header.index(time)
            continue
        if len(row) != len(header):
            yield from ((place, "not as many fields as the header") for place in places)
            continue
        try:
            yield places[0], stamps.value(row[column])
        except ValueError as error:
            yield places[0], str(error)


def _parquet(path: Path, shown: str, time: str) -> Found:
    import duckdb

    if any(c in str(path) for c in "*?["):
        raise DataError(f"{shown}: the path holds `*`, `?` or `[`", hint="rename the file, or move it")
    stamps = Stamps()
    quoted = '"' + time.replace('"', '""') + '"'
    try:
        # One thread keeps the file's order; nothing but this file is read.
        with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as engine:
            rows = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            types = {name: kind for name, kind, *_ in rows}
            if time not in types:
                raise DataError(f"{shown}: no column `{time}`", hint=_columns(time, list(types)))
            ready = types[time].startswith("TIMESTAMP")
            if not ready and types[time] not in (*_NUMBERS, "VARCHAR") and not types[time].startswith("DECIMAL"):
                raise DataError(
                    f"{shown}: column `{time}` holds {types[time]}, which is no time stamp",
                    hint="write it as TIMESTAMP, as a number since 1970 (DOUBLE or BIGINT), or as ISO 8601 text",
                )
            value = f"epoch_us({quoted})" if ready else quoted
            found = engine.execute(f"SELECT {value} FROM read_parquet(?)", [str(path)])  # noqa: S608  (quoted)
            number = 0
            while batch := found.fetchmany(10_000):
                for (stamp,) in batch:
                    number += 1
                    yield number, _stamp(stamps, stamp, ready=ready)
    except duckdb.Error as error:
        why = str(error).partition("\n")[0].replace(str(path), shown)
        raise DataError(
            f"{shown}: cannot be read as Parquet ({why})", hint="is the file whole? Write it again"
        ) from None


def _stamp(stamps: Stamps, value: object, *, ready: bool) -> int | str:
    if ready:
        if not isinstance(value, int):
            return "null or infinite"
        return value if value >= 0 else "before 1970"
    try:
        return stamps.value(value)
    except ValueError as error:
        return str(error)


def _columns(time: str, known: list[str]) -> str:
    return "name the column of the time stamps with `time`; " + nearest(time, known[:30])


READERS: dict[str, Callable[[Path, str, str], Found]] = {
    "common": _log,
    "combined": _log,
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
}
"""The formats of the policy's `replay.format`. `common` and `combined` differ behind the stamp only."""
