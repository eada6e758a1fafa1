"""Readers of the file formats of recordings.

Each reader yields a line number with a timestamp in microseconds, or with the reason why the line has none. Text is
read line by line in bounded memory; a longer line is truncated at the limit.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError, nearest
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS
from ghmlops.measure.requests.timestamps import TimestampParser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Stamps = Iterator[tuple[int, int | str]]

MAX_LINE = 1024 * 1024
"""Number of bytes of a line that are read."""
_COMPRESSION = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "ZIP",
    b"\xfd7zX": "xz",
}
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
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
"""DuckDB types of columns that may contain times since 1970."""


def detect_format(path: Path, display_name: str) -> str:
    """Return the format of a recording, from its name or else from its first line.

    Raises:
        DataError: The format is not supported, or the file is empty.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1":
        return "parquet"
    if path.suffix.lower() in _SUFFIXES:
        return _SUFFIXES[path.suffix.lower()]
    first = next((line for _, line in _lines(path, display_name)), b"")
    if first.startswith(b"{"):
        return "jsonl"
    try:
        TimestampParser().log_line(first)
    except ValueError:
        pass
    else:
        return "common"
    if not first:
        raise DataError(f"{display_name}: the recording is empty", hint="a replay needs at least two requests")
    raise DataError(
        f"{display_name}: neither its name nor its first line identifies a supported format",
        hint=f"set `format`: {_FORMATS}",
    )


def _lines(path: Path, display_name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each line that is not blank, without its line break."""
    with path.open("rb") as stream:
        head = stream.read(4)
        for magic, name in _COMPRESSION.items():
            if head.startswith(magic):
                raise DataError(f"{display_name}: is compressed ({name})", hint="decompress it first")
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{display_name}: not UTF-8", hint="save the file as UTF-8")
        stream.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
        number, complete = 0, True
        while line := stream.readline(MAX_LINE):
            begins, complete = complete, line.endswith(b"\n")
            number += begins
            if begins and line.strip():
                yield number, line.strip(b"\r\n")


def _read_log(path: Path, display_name: str, _time: str) -> Stamps:
    parser = TimestampParser()
    for number, line in _lines(path, display_name):
        try:
            yield number, parser.log_line(line)
        except ValueError as error:
            yield number, str(error)


def _read_jsonl(path: Path, display_name: str, time: str) -> Stamps:
    parser, decode = TimestampParser(), msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    checked = False
    for number, line in _lines(path, display_name):
        try:
            row = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield number, "not a JSON object"
            continue
        if not checked and time not in row:
            raise DataError(f"{display_name}:{number}: no key `{time}`", hint=_column_hint(time, list(row)))
        checked = True
        try:
            yield number, parser.value(msgspec.json.decode(row[time]) if time in row else None)
        except UnicodeDecodeError:
            yield number, "not UTF-8"
        except (msgspec.DecodeError, RecursionError):
            yield number, "not a JSON object"
        except ValueError as error:
            yield number, str(error)


def _read_csv(path: Path, display_name: str, time: str) -> Stamps:
    """Read CSV with a header; a row that spans several lines, because of an unclosed quote, counts as that many."""
    line_numbers: list[int] = []

    def decoded_lines() -> Iterator[str]:
        for number, line in _lines(path, display_name):
            line_numbers.append(number)
            yield line.decode(errors="replace") + "\n"

    rows = csv.reader(decoded_lines(), strict=True)
    parser = TimestampParser()
    header: list[str] = []
    while True:
        line_numbers.clear()
        try:
            row = next(rows, None)
        except csv.Error:
            row = []
        if row is None:
            return
        if not header:
            header = [name.strip() for name in row]
            column = _column_index(header, time, display_name)
            continue
        if len(row) != len(header):
            yield from ((number, "not as many fields as the header") for number in line_numbers)
            continue
        try:
            yield line_numbers[0], parser.value(row[column])
        except ValueError as error:
            yield line_numbers[0], str(error)


def _column_index(header: list[str], time: str, display_name: str) -> int:
    if header.count(time) != 1:
        problem = "more than one column" if time in header else "no column"
        raise DataError(f"{display_name}: {problem} `{time}`", hint=_column_hint(time, header))
    return header.index(time)


def _read_parquet(path: Path, display_name: str, time: str) -> Stamps:
    import duckdb

    if any(c in str(path) for c in "*?["):  # DuckDB would expand them as a glob pattern.
        raise DataError(f"{display_name}: the path contains `*`, `?` or `[`", hint="rename or move the file")
    parser = TimestampParser()
    quoted = '"' + time.replace('"', '""') + '"'
    try:
        # A single thread preserves the order of the file.
        settings = {"threads": 1, "memory_limit": "1GB", "disabled_optimizers": STATISTICS_OPTIMIZERS}
        with duckdb.connect(config=settings) as engine:
            rows = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            is_timestamp = _is_timestamp({name: kind for name, kind, *_ in rows}, time, display_name)
            value = f"epoch_us({quoted})" if is_timestamp else quoted
            cursor = engine.execute(f"SELECT {value} FROM read_parquet(?)", [str(path)])  # noqa: S608  (quoted)
            number = 0
            while batch := cursor.fetchmany(10_000):
                for (stamp,) in batch:
                    number += 1
                    yield number, _stamp(parser, stamp, is_timestamp=is_timestamp)
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0].replace(str(path), display_name)
        raise DataError(
            f"{display_name}: cannot be read as Parquet ({reason})", hint="check that the file is complete"
        ) from None


def _is_timestamp(types: dict[str, str], time: str, display_name: str) -> bool:
    """Return whether the column has a timestamp type, as opposed to numbers or text.

    Raises:
        DataError: There is no such column, or its type cannot represent a time of day.
    """
    if time not in types:
        raise DataError(f"{display_name}: no column `{time}`", hint=_column_hint(time, list(types)))
    kind = types[time]
    if kind.startswith("TIMESTAMP"):
        return True
    if kind not in (*_NUMBERS, "VARCHAR") and not kind.startswith("DECIMAL"):
        raise DataError(
            f"{display_name}: column `{time}` has the type {kind}, which is not a timestamp",
            hint="write it as TIMESTAMP, as a number since 1970 (DOUBLE or BIGINT), or as ISO 8601 text",
        )
    return False


def _stamp(parser: TimestampParser, value: object, *, is_timestamp: bool) -> int | str:
    if is_timestamp:
        if not isinstance(value, int):
            return "null or infinite"
        return value if value >= 0 else "before 1970"
    try:
        return parser.value(value)
    except ValueError as error:
        return str(error)


def _column_hint(time: str, columns: list[str]) -> str:
    return "name the column of the timestamps with `time`; " + nearest(time, columns[:30])


READERS: dict[str, Callable[[Path, str, str], Stamps]] = {
    "common": _read_log,
    "combined": _read_log,
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
}
"""Reader of each format of the policy's `replay.format`; `common` and `combined` differ only after the timestamp."""
