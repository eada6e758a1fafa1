# ruff: noqa: S608  (the hostile statements are the point)
"""The DuckDB session: limited memory and file access, interruptible, and without leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import duckdb
import numpy as np
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.parquet_file import MAX_ROWS, check_bytes, check_footer
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.dialect import identifier, literal
from ghmlops.measure.predictions.engine.open import open_session


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """An artifact without faults."""
    return artifacts.write(tmp_path / "good.parquet", artifacts.rows(500, 1))


def test_files_that_are_not_parquet_are_errors(tmp_path: Path, good: Path) -> None:
    """Missing, empty, text, truncated and encrypted files, folders, and an oversized footer have distinct messages."""
    content = good.read_bytes()
    cases = {
        "empty": (b"", "empty"),
        "text": (b"id,y,s\n1,0,0.5\n", "not a Parquet file"),
        "half": (content[: len(content) // 2], "truncated"),
        "crypt": (b"PARE" + content[4:-4] + b"PARE", "encrypted"),
        "footer": (content[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged"),
    }
    for name, (data, message) in cases.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(DataError, match=f"name-{name}.*{message}"):
            check_bytes(path, f"name-{name}")
    with pytest.raises(DataError, match="no such file"):
        check_bytes(tmp_path / "nothing", "x")
    with pytest.raises(DataError, match="not a file"):
        check_bytes(tmp_path, "x")


def test_implausible_footer_is_rejected() -> None:
    """Too many rows or bytes, negative sizes, and too many rows for the file size (a decompression bomb) are errors."""
    check_footer("x", size=22_000_000, rows=1_000_000, unpacked=30_000_000)
    for size, rows, unpacked in ((255_000, 30_000_000, 1), (10**12, MAX_ROWS + 1, 1), (10**9, 10, 10**12), (9, -1, 0)):
        with pytest.raises(DataError):
            check_footer("x", size=size, rows=rows, unpacked=unpacked)


def test_decompression_bomb_is_rejected(tmp_path: Path, good: Path) -> None:
    """A file of less than 1 MB with 30 million equal rows is rejected when the session opens."""
    bomb = tmp_path / "bomb.parquet"
    duckdb.execute(
        "COPY (SELECT 1 AS id, 0 AS y, 0.5 AS s FROM range(30000000)) TO $1 (FORMAT parquet, COMPRESSION zstd)",
        [str(bomb)],
    )
    assert bomb.stat().st_size < 1_000_000
    with (
        pytest.raises(DataError, match="30,000,000 rows"),
        open_session({"baseline": Source.of(good, "a"), "candidate": Source.of(bomb, "b")}, artifacts.MEMORY),
    ):
        pass


def test_pages_that_cannot_be_decoded_are_an_error(tmp_path: Path, good: Path) -> None:
    """Damaged pages of a file with an intact footer are an error without checksums too."""
    content = bytearray(good.read_bytes())
    content[200:2000] = os.urandom(1800)
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(content)
    files = {"baseline": Source.of(good, "a.parquet"), "candidate": Source.of(bad, "b.parquet")}
    with pytest.raises(DataError, match="cannot be read"):
        artifacts.observe(files, artifacts.BINARY)


def test_session_reads_only_the_artifacts(good: Path, tmp_path: Path) -> None:
    """Other files, ATTACH, extensions and settings are rejected; a path with pattern characters is one file."""
    hostile = tmp_path / "we[1]rd * ' name.parquet"
    hostile.write_bytes(good.read_bytes())
    with open_session(
        {"baseline": Source.of(hostile, "a"), "candidate": Source.of(good, "b")}, artifacts.MEMORY
    ) as session:
        assert session.count("baseline") == 500
        for sql in (
            "SELECT * FROM read_csv('/etc/passwd')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'x.db'}'",
            "SET enable_external_access = true",
            "SET memory_limit = '100GB'",
            "INSTALL httpfs",
        ):
            with pytest.raises((DataError, duckdb.Error)):
                session.script(sql)
    assert not (tmp_path / "out.csv").exists()


def test_temporary_files_are_removed(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private folder is removed after success and after an error."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    artifacts.observe(files, artifacts.BINARY)

    def fail() -> None:
        with open_session(files, artifacts.MEMORY):
            assert list(folder.iterdir())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(folder.iterdir()) == []


def test_too_small_memory_limit_is_an_input_error(good: Path) -> None:
    """If the limit is too small for a page, the hint names the input."""
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    with pytest.raises(InputError, match="memory") as excinfo:
        artifacts.observe(files, artifacts.BINARY, memory=200_000)
    assert "--memory-limit" in excinfo.value.hint


def test_identifiers_and_literals_are_quoted() -> None:
    """Quotes within identifiers and texts are doubled."""
    assert [identifier('a"b'), literal("a'b")] == ['"a""b"', "'a''b'"]


def test_signal_stops_a_running_query(good: Path, tmp_path: Path) -> None:
    """SIGTERM during a query of hours ends the process at once, and the private folder is removed."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    script = textwrap.dedent(
        f"""
        import signal, sys, tempfile
        from pathlib import Path
        from ghmlops.measure.predictions.engine.open import open_session
        from ghmlops.measure.predictions.artifacts.source import Source

        def stop(*_): raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        tempfile.tempdir = {str(folder)!r}
        good = Path({str(good)!r})
        try:
            files = {{"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}}
            with open_session(files, 2**29) as session:
                print("ready", flush=True)
                session.rows("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b "
                             "WHERE a.range * b.range % 7 = 3")
        except KeyboardInterrupt:
            sys.exit(130)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGTERM)
            assert child.wait(timeout=60) == 130
        finally:
            child.kill()
    assert list(folder.iterdir()) == []


def test_artifacts_of_one_row_are_compared(tmp_path: Path) -> None:
    """One row on each side is paired and usable."""
    row = {"id": np.array([1]), "y": np.array([1]), "s": np.array([0.5])}
    files = {
        role: Source.of(artifacts.write(tmp_path / f"{role}.parquet", row), role) for role in ("baseline", "candidate")
    }
    result = artifacts.observe(files, artifacts.BINARY)
    assert result.facts.pairs
    assert result.facts.pairs.usable == 1
