"""Readers of the file formats of recordings.

Each reader yields a line number with a timestamp in microseconds, or with the reason why the line has none. Text is
read line by line in bounded memory; a longer line is truncated at the limit.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import DataError
from ghmlops.measure.requests.lines import read_all, read_lines
from ghmlops.measure.requests.log_lines import AlbLog, CommonLog, EnvoyLog, W3CLog
from ghmlops.measure.requests.trace_parquet import read_parquet
from ghmlops.measure.requests.trace_source import Source, attempt, column_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ghmlops.measure.requests.trace_source import Stamps

MAX_HAR = 256 * 1024 * 1024
"""Maximum size of a HAR file, which is read as a whole."""
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".har": "har"}
_LOGS: dict[str, type[CommonLog | W3CLog | AlbLog | EnvoyLog]] = {
    "common": CommonLog,
    "w3c": W3CLog,
    "alb": AlbLog,
    "envoy": EnvoyLog,
}
_DEMAND = b"ghmlops/demand/v1"
"""Schema in the first line of the profile of a demand."""
_FORMATS = "`common`, `combined`, `w3c`, `alb`, `envoy`, `csv`, `jsonl`, `har`, `parquet` or `demand`"
_ENVOY_KEYS = ("response_flags", "upstream_cluster", "upstream_host", "response_code")
"""Keys of which a line of Envoy's JSON access log has at least one."""
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def detect_format(path: Path, display_name: str) -> str:
    """Return the format of a recording, from its name or else from its first line.

    Raises:
        DataError: The format is not supported, or the file is empty.
    """
    with path.open("rb") as stream:
        head = stream.read(200)
    if head.startswith(b"PAR1"):
        return "parquet"
    if _DEMAND in head:
        return "demand"
    suffix = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    first = next((line for _, line in read_lines(path, display_name)), b"")
    if first.startswith(b"{"):
        return "jsonl"
    for kind, log in _LOGS.items():
        if log.recognises(first):
            return kind
    if not first:
        raise DataError(f"{display_name}: the recording is empty", hint="a replay needs at least two requests")
    raise DataError(
        f"{display_name}: neither its name nor its first line identifies a supported format",
        hint=f"set `format`: {_FORMATS}",
    )


def _read_log(source: Source, log: CommonLog | W3CLog | AlbLog | EnvoyLog) -> Stamps:
    for number, line in read_lines(source.path, source.display_name):
        if entry := attempt(source, number, lambda line=line: log.parse(line)):  # type: ignore[misc]
            yield entry


def _read_jsonl(source: Source) -> Stamps:
    keys: list[str] = []
    for number, line in read_lines(source.path, source.display_name):
        try:
            row = _OBJECT.decode(line)
            keys = keys or _resolve_key(row, source, number)
            value = _nested(row, keys)
        except UnicodeDecodeError:
            yield number, "not UTF-8"
        except (msgspec.DecodeError, RecursionError):
            yield number, "not a JSON object"
        else:
            yield source.stamp(number, value)


def _resolve_key(row: dict[str, msgspec.Raw], source: Source, number: int) -> list[str]:
    """Return the keys that lead to the timestamp: one, or those between the dots of the policy's `time`.

    Raises:
        DataError: The first row has no such key.
    """
    time = source.time
    if time in row:
        return [time]
    if time == "time" and "start_time" in row and any(key in row for key in _ENVOY_KEYS):
        return ["start_time"]
    if "." in time and _nested(row, time.split(".")) is not None:
        return time.split(".")
    raise DataError(f"{source.display_name}:{number}: no key `{time}`", hint=column_hint(time, list(row)))


def _nested(row: dict[str, msgspec.Raw], keys: list[str]) -> object:
    """Return the value that `keys` lead to; `None` if there is none."""
    for key in keys[:-1]:
        if key not in row:
            return None
        try:
            row = _OBJECT.decode(row[key])
        except msgspec.ValidationError:
            return None
    return msgspec.json.decode(row[keys[-1]]) if keys[-1] in row else None


class _HarEntry(msgspec.Struct):
    started: str = msgspec.field(name="startedDateTime")


class _HarLog(msgspec.Struct):
    entries: list[_HarEntry]


class _Har(msgspec.Struct):
    log: _HarLog


def _read_har(source: Source) -> Stamps:
    """Read an HTTP archive; the number of an entry takes the place of a line number."""
    data = read_all(source.path, source.display_name, MAX_HAR)
    try:
        entries = msgspec.json.decode(data, type=_Har).log.entries
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{source.display_name}: not a HAR file ({reason})", hint="export it again from the browser"
        ) from None
    for number, entry in enumerate(entries, 1):
        yield source.stamp(number, entry.started)


def _read_csv(source: Source) -> Stamps:
    """Read CSV with a header; a row that spans several lines, because of an unclosed quote, counts as that many."""
    line_numbers: list[int] = []

    def decoded_lines() -> Iterator[str]:
        for number, line in read_lines(source.path, source.display_name):
            line_numbers.append(number)
            yield line.decode(errors="replace") + "\n"

    rows = csv.reader(decoded_lines(), strict=True)
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
            column = _column_index(header, source.time, source.display_name)
            continue
        if len(row) != len(header):
            yield from ((number, "not as many fields as the header") for number in line_numbers)
            continue
        yield source.stamp(line_numbers[0], row[column])


def _column_index(header: list[str], time: str, display_name: str) -> int:
    if header.count(time) != 1:
        problem = "more than one column" if time in header else "no column"
        raise DataError(f"{display_name}: {problem} `{time}`", hint=column_hint(time, header))
    return header.index(time)


READERS: dict[str, Callable[[Source], Stamps]] = {
    **{kind: lambda source, log=log: _read_log(source, log(source.parser, source.time)) for kind, log in _LOGS.items()},  # type: ignore[misc]
    "combined": lambda source: _read_log(source, CommonLog(source.parser, source.time)),
    "csv": _read_csv,
    "jsonl": _read_jsonl,
    "har": _read_har,
    "parquet": read_parquet,
}
"""Reader of each format of the policy's `replay.format`; `common` and `combined` differ only after the timestamp."""
