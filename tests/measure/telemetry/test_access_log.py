"""A log that grows, rotates and is damaged."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.telemetry import FORMATS, AccessLog

if TYPE_CHECKING:
    from pathlib import Path


def line(at: float, arm: str = "candidate", status: int = 200) -> str:
    """Return one line of the JSON log."""
    return f'{{"at": {at}, "arm": "{arm}", "seconds": 0.01, "status": {status}}}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a log that has an old line already."""
    file = tmp_path / "access.log"
    file.write_text(line(0.0))
    return file


def opened(path: Path) -> AccessLog:
    """Return the log at its end."""
    return AccessLog(path, FORMATS["jsonl"], {"candidate": "candidate", "twin": "twin", "baseline": "pool"})


def append(path: Path, text: str) -> None:
    """Write at the end of the log."""
    with path.open("a") as stream:
        stream.write(text)


def test_only_what_is_appended_is_read(path: Path) -> None:
    """Old lines belong to old weights; every new line is read once."""
    log = opened(path)
    assert log.read().counts() == {"candidate": 0, "twin": 0, "pool": 0}
    append(path, line(1.0) + line(2.0, "twin", 500) + line(3.0, "baseline") + line(4.0, "other"))
    traffic = log.read()
    assert traffic.counts() == {"candidate": 1, "twin": 1, "pool": 1}
    assert (traffic.twin.errors, log.requests, log.unreadable) == (1, 3, 0)
    assert log.read().counts() == {"candidate": 0, "twin": 0, "pool": 0}


def test_a_line_is_read_when_it_is_complete(path: Path) -> None:
    """Half a line stays until its end arrives."""
    log, text = opened(path), line(1.0)
    append(path, text[:20])
    assert log.read().counts()["candidate"] == 0
    append(path, text[20:])
    assert log.read().counts()["candidate"] == 1


def test_requests_are_in_the_order_of_their_arrival(path: Path) -> None:
    """A slow request is logged after faster ones that came later."""
    log = opened(path)
    append(path, line(5.0) + line(3.0) + line(4.0))
    assert log.read().candidate.at.tolist() == [3.0, 4.0, 5.0]


def test_damaged_lines_are_counted_and_are_no_requests(path: Path) -> None:
    """Bytes that are no text, and a line without end."""
    log = opened(path)
    with path.open("ab") as stream:
        stream.write(b"\xff\xfe\n" + b"x" * 100_000 + b"\n" + line(1.0).encode())
    assert (log.read().counts()["candidate"], log.unreadable) == (1, 2)


def test_a_rotated_log_is_followed(path: Path) -> None:
    """The new file is read from its beginning, a truncated one too."""
    log = opened(path)
    path.rename(path.with_suffix(".1"))
    path.write_text(line(1.0))
    assert log.read().counts()["candidate"] == 1
    path.write_text(line(2.0)[:10])
    assert log.read().counts()["candidate"] == 0
    append(path, line(2.0)[10:])
    assert log.read().counts()["candidate"] == 1


def test_a_log_that_is_not_there(tmp_path: Path, path: Path) -> None:
    """At the start and in mid-run, with its name."""
    with pytest.raises(DataError) as caught:
        opened(tmp_path / "absent.log")
    assert (caught.value.reason_code, "absent.log" in caught.value.message) == ("no-telemetry", True)
    log = opened(path)
    path.unlink()
    with pytest.raises(DataError):
        log.read()
    with pytest.raises(DataError):
        opened(tmp_path)


def test_sessions(path: Path) -> None:
    """Of a session, the first request was routed by the weights, and those after its first failure are not judged."""
    log = AccessLog(path, partial(FORMATS["jsonl"], session="user"), {"candidate": "candidate", "baseline": "pool"})
    users = [("a", 200), ("a", 500), ("a", 500), ("b", 200), (7, 200), (None, 200), ("-", 200)]
    for number, (user, status) in enumerate(users):
        row = {"at": number, "arm": "candidate", "seconds": 0.01, "status": status, "user": user}
        append(path, json.dumps(row) + "\n")
    traffic = log.read()
    assert traffic.counts()["candidate"] == 7
    assert traffic.routed() == {"candidate": 5, "twin": 0, "pool": 0}
    assert traffic.candidate.judged_requests().errors == 1
    assert traffic.since(3.0).routed()["candidate"] == 4
    assert (log.sessions.named, log.sessions.pinned) == (5, 0)
