"""Which files of the branch are records, and what is wrong with the others: named and skipped, never silent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.history.place import (
    MAX_RECORD_BYTES,
    parse_fold_path,
    parse_record_path,
    path_of,
    record_id,
)
from ghmlops.core.history.record import AnyRecord, record_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clock of a writer may be ahead: runners of GitHub keep time within seconds."""

FOREIGN_FILE = "history-foreign-file"
"""Code of a file that is not of the history at all."""


class Stored(NamedTuple):
    """A record with its identity."""

    id: str
    path: str
    record: AnyRecord


class Problem(NamedTuple):
    """A file of the branch that does not count."""

    code: str
    """`record-damaged`, `record-clock-skew` or `history-foreign-file`."""
    path: str
    reason: str


class History(NamedTuple):
    """The records in the order of time, and the files that do not count."""

    records: tuple[Stored, ...]
    problems: tuple[Problem, ...]


def decode_record(content: bytes) -> AnyRecord:
    """Return the record that bytes contain.

    Raises:
        ValueError: They are no record; the message says why.
    """
    if len(content) > MAX_RECORD_BYTES:
        raise ValueError(f"it has {len(content):,} bytes, more than {MAX_RECORD_BYTES:,}")
    try:
        record: AnyRecord = msgspec.json.decode(content, type=AnyRecord)
        record_time(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"it is no record: {error}") from None
    return record


def read_records(files: Iterable[tuple[str, bytes]], problems: Sequence[Problem], now: datetime) -> History:
    """Decode and check the records of the branch.

    A record counts if its path is the one that follows from its content: a change of one byte, and a file under
    another's name, are damage. A record from the future was written by a clock that is wrong, and would stay the newest
    for as long.

    Args:
        files: Path and content of every record, loose or folded.
        problems: What was wrong before a record could be read.
        now: The time (UTC).
    """
    records: dict[str, Stored] = {}
    skipped = list(problems)
    for path, content in files:
        try:
            record = decode_record(content)
        except ValueError as error:
            skipped.append(Problem("record-damaged", path, str(error)))
            continue
        place = parse_record_path(path)
        if place is None or path != path_of(record, content):
            skipped.append(Problem("record-damaged", path, "its content is not the one that its name was derived from"))
        elif record_time(record) > now + CLOCK_TOLERANCE:
            reason = f"its time {record.time} is in the future: the clock of its writer was wrong"
            skipped.append(Problem("record-clock-skew", path, reason))
        else:
            records.setdefault(place.id, Stored(record_id(record), path, record))
    order = sorted(records.values(), key=lambda stored: (record_time(stored.record), stored.id))
    return History(tuple(order), tuple(sorted(skipped)))


def foreign_file(path: str, mode: str) -> Problem | None:
    """Return what is wrong with an entry of the branch; `None` if it is a file with records."""
    if mode == "100644" and (parse_record_path(path) or parse_fold_path(path)):
        return None
    return Problem(FOREIGN_FILE, path, "it is neither a record nor a Parquet file with records")


def may_be_newer(problem: Problem, time: datetime) -> bool:
    """Return whether a file that does not count may be a record of this time or later; its path tells, if it is one."""
    place = parse_record_path(problem.path)
    return place is None or place.second >= f"{time:%Y%m%dT%H%M%SZ}"
