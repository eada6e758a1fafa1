"""Which files of the branch count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ghmlops.core.history.place import MAX_RECORD_BYTES, encode_record, parse_record_path, record_id, record_path
from ghmlops.core.history.reading import Problem, decode_record, foreign_file, may_be_newer, read_records
from history_records import OTHER, deployment

NOW = datetime(2026, 11, 20, tzinfo=UTC)
RECORD = deployment()
PATH, CONTENT = record_path(RECORD), encode_record(RECORD)


def test_records_come_in_the_order_of_time() -> None:
    """Not in that of the files; a record that is loose and folded counts once."""
    early = deployment("2026-11-01T00:00:00+02:00")
    files = [(PATH, CONTENT), (record_path(early), encode_record(early)), (PATH, CONTENT)]
    history = read_records(files, [], NOW)
    assert [item.record for item in history.records] == [early, RECORD]
    assert history.problems == ()
    assert record_path(early).startswith("records/2026-10/20261031T220000Z-")


DAMAGED = [
    (PATH, CONTENT[:-20]),
    (PATH, b""),
    (PATH, b"\xff\xfe"),
    (PATH, b"[" * 100_000),
    (PATH, CONTENT.replace(b'"allowed"', b'"refused"')),
    (PATH.replace("2026-11/", "2026-10/"), CONTENT),
    (PATH, CONTENT.replace(b'"kind"', b'"kinds"')),
    (PATH, CONTENT + b" " * MAX_RECORD_BYTES),
]


@pytest.mark.parametrize(("path", "content"), DAMAGED)
def test_a_damaged_record_is_named(path: str, content: bytes) -> None:
    """It is skipped, with its path and a reason; the others count."""
    other = deployment(commit=OTHER)
    history = read_records([(path, content), (record_path(other), encode_record(other))], [], NOW)
    assert [item.record for item in history.records] == [other]
    assert [(p.code, p.path) for p in history.problems] == [("record-damaged", path)]


@pytest.mark.parametrize(("time", "codes"), [("00:04", []), ("00:06", ["record-clock-skew"])])
def test_a_record_from_the_future(time: str, codes: list[str]) -> None:
    """Its writer's clock was wrong; five minutes are tolerated."""
    record = deployment(f"2026-11-20T{time}:00+00:00")
    history = read_records([(record_path(record), encode_record(record))], [], NOW)
    assert [problem.code for problem in history.problems] == codes
    assert len(history.records) == 1 - len(codes)


def test_a_time_without_zone_is_no_time() -> None:
    """Nor is other text, nor a time whose UTC is before the first or after the last year."""
    times = ("2026-11-20T00:00:00", "now", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00")
    for time in times:
        with pytest.raises(ValueError, match=r"no record|time zone|isoformat|range"):
            decode_record(encode_record(deployment(time)))


@pytest.mark.parametrize(
    ("path", "mode", "foreign"),
    [
        (PATH, "100644", False),
        ("folded/2026-10-0123456789abcdef.parquet", "100644", False),
        (PATH, "120000", True),
        ("README.md", "100644", True),
        ("records/../x.json", "100644", True),
    ],
)
def test_other_files_are_named(path: str, mode: str, foreign: bool) -> None:
    """Links and files that no writer of ours creates."""
    assert (foreign_file(path, mode) is not None) == foreign


def test_the_identity_of_an_event() -> None:
    """It does not depend on what is looked up later; another run, commit or time is another event."""
    same = deployment(pull_request=7)
    assert record_id(same) == record_id(RECORD)
    assert record_path(same) != PATH
    others = [deployment(run_id="42"), deployment(commit=OTHER), deployment(run_attempt=2), deployment(decision="x")]
    assert [record_id(other) == record_id(RECORD) for other in others] == [False, False, False, True]
    place = parse_record_path(PATH)
    assert place is not None
    assert (place.month, place.id) == ("2026-11", record_id(RECORD))


@pytest.mark.parametrize(
    ("path", "hour", "newer"),
    [(PATH, 9, True), (PATH, 10, True), (PATH, 11, False), ("folded/2026-11.parquet", 11, True), ("branch", 11, True)],
)
def test_a_damaged_record_may_be_newer(path: str, hour: int, newer: bool) -> None:
    """Its path has its time; what has none may be of any time."""
    time = datetime(2026, 11, 3, hour, tzinfo=UTC)
    assert may_be_newer(Problem("record-damaged", path, "r"), time) is newer
