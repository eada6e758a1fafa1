"""Logs are read once; lines that are no requests are counted by reason, and no message quotes a line."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.production.harvest import Traffic
from ghmlops.measure.harvest.log_table import count_lines, open_logs
from harvest_logs import START, requests, write_log

if TYPE_CHECKING:
    from pathlib import Path

TRAFFIC = Traffic(files="logs/*.jsonl*", id="request_id", time="ts", body="request", client="client")
NOW = START + 1e6


def test_lines_that_do_not_count_have_a_reason(tmp_path: Path) -> None:
    """Each is counted once, and the first broken line is named by file and number."""
    lines: list[object] = [*requests(1_000)]
    lines[3:3] = ["{half", '["a"]', {"ts": START}, {"request_id": "r1"}, {"request_id": "r2", "ts": "yesterday"}]
    lines.append({"request_id": "r3", "ts": NOW + 1})
    write_log(tmp_path / "logs/a.jsonl", lines)
    with open_logs(tmp_path, TRAFFIC, ("device",), 0) as table:
        counts = count_lines(table, tmp_path, TRAFFIC, NOW)
    assert counts == (1_006, 2, 1, 2, 1, "logs/a.jsonl:4")
    assert not table.folder.exists()


@pytest.mark.parametrize(
    "time", [START, int(START) * 1000, str(int(START)), "2026-06-01T00:00:00Z", "2026-06-01 02:00:00+02:00"]
)
def test_times_in_every_spelling(tmp_path: Path, time: object) -> None:
    """Seconds and milliseconds since 1970, as texts too, and ISO 8601."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": 17, "ts": time}])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        rows = table.rows(f"SELECT seconds, id FROM {table.source}")  # noqa: S608  (ours)
    assert rows == [(START, "17")]


@pytest.mark.parametrize("time", [0, "0", "1970-01-01T00:00:00Z", "1970-01-01", "1989-12-31 23:59:59Z", "-infinity"])
def test_the_zero_of_a_clock_is_no_time(tmp_path: Path, time: object) -> None:
    """However it is written: one line would stretch the log over decades."""
    write_log(tmp_path / "logs/a.jsonl", [*requests(200), {"request_id": "r1", "ts": time}])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        assert count_lines(table, tmp_path, TRAFFIC, NOW).without_time == 1
        ((first,),) = table.rows(f"SELECT min(seconds) FROM {table.source} WHERE problem IS NULL")  # noqa: S608  (ours)
    assert first == START


def test_compressed_logs_and_a_name_with_a_pattern(tmp_path: Path) -> None:
    """Files are read as they are called."""
    folder = tmp_path / "logs"
    folder.mkdir()
    data = "".join(json.dumps(request) + "\n" for request in requests(20)).encode()
    (folder / "b[1].jsonl.gz").write_bytes(gzip.compress(data))
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        assert count_lines(table, tmp_path, TRAFFIC, NOW).total == 20


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        (["{secret: hunter2", "{}"], "logs/a.jsonl:1"),
        ([*requests(50), "{secret: hunter2"], "1 of 51"),
        ([], "none of 0"),
    ],
)
def test_unreadable_logs_are_an_error_without_their_content(tmp_path: Path, lines: list[object], word: str) -> None:
    """More than 1 % of the lines, or all of them."""
    write_log(tmp_path / "logs/a.jsonl", lines)
    with open_logs(tmp_path, TRAFFIC, (), 0) as table, pytest.raises(DataError) as error:
        count_lines(table, tmp_path, TRAFFIC, NOW)
    assert word in error.value.message
    assert "hunter2" not in error.value.message + error.value.hint


def test_the_name_of_a_file_that_is_private_is_not_in_the_error(tmp_path: Path) -> None:
    """The rest of the message stays."""
    write_log(tmp_path / "logs/alice.smith@example.com.jsonl", ["{oops", *requests(3)])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table, pytest.raises(DataError) as error:
        count_lines(table, tmp_path, TRAFFIC, NOW)
    assert "1 of 4" in error.value.message
    assert "alice" not in error.value.message + error.value.hint


def test_damaged_files_and_links_out_of_the_folder(tmp_path: Path) -> None:
    """No file, a damaged one, and one that is elsewhere."""
    with pytest.raises(DataError, match="no file"), open_logs(tmp_path, TRAFFIC, (), 0):
        pass
    folder = tmp_path / "root/logs"
    folder.mkdir(parents=True)
    (folder / "a.jsonl.gz").write_bytes(b"\x1f\x8bhunter2")
    with pytest.raises(DataError) as error, open_logs(tmp_path / "root", TRAFFIC, (), 0):
        pass
    assert "hunter2" not in error.value.message
    (folder / "a.jsonl.gz").unlink()
    (folder / "b.jsonl").symlink_to(write_log(tmp_path / "other.jsonl", requests(1)))
    with pytest.raises(DataError, match="link"), open_logs(tmp_path / "root", TRAFFIC, (), 0):
        pass


def test_identifiers_are_texts_without_escapes(tmp_path: Path) -> None:
    """However a line writes them; numbers are identifiers, and nothing else is."""
    written = ['"plain"', '"\\u00e4 \\"x\\""', '"ä😀"', '"back\\\\slash"', "17", "1.5", "true", '""', "[1]", "null"]
    lines = [f'{{"request_id": {text}, "ts": {START}}}' for text in written]
    write_log(tmp_path / "logs/a.jsonl", [*lines, f'  {{"request_id": "indented", "ts": "{int(START)}"}}'])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        rows = table.rows(f"SELECT id FROM {table.source} WHERE problem IS NULL")  # noqa: S608  (ours)
    expected = {"plain", 'ä "x"', "ä😀", "back\\slash", "17", "indented"}
    assert {str(name) for (name,) in rows} == expected
