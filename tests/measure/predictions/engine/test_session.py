# ruff: noqa: S608  (the hostile statements are the point)
"""The DuckDB session: limited memory and file access, interruptible, and without leftovers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.open import open_session


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """An artifact without faults."""
    return artifacts.write(tmp_path / "good.parquet", artifacts.rows(500, 1))


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


def test_too_small_memory_limit_is_an_input_error(good: Path) -> None:
    """If the limit is too small for a page, the hint names the input."""
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    with pytest.raises(InputError, match="memory") as excinfo:
        artifacts.observe(files, artifacts.BINARY, memory=200_000)
    assert "--memory-limit" in excinfo.value.hint


@pytest.mark.parametrize(
    "wait",
    [
        "session.rows(endless)",
        "with session.helper_thread('x') as worker: worker.submit(session.rows, endless).result()",
    ],
)
def test_signal_stops_a_running_query(good: Path, tmp_path: Path, wait: str) -> None:
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
                endless = ("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b "
                           "WHERE a.range * b.range % 7 = 3")
                {wait}
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
