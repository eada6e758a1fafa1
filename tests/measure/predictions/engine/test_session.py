# ruff: noqa: S608  (the hostile statements are the point)
"""The engine's session: bounded, locked, interruptible, and gone afterwards."""

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
    """A sound artifact."""
    return artifacts.write(tmp_path / "good.parquet", artifacts.rows(500, 1))


def test_bytes_that_are_no_parquet_are_errors_that_say_so(tmp_path: Path, good: Path) -> None:
    """Missing, a folder, empty, text, truncated, encrypted, a footer longer than the file."""
    whole = good.read_bytes()
    cases = {
        "empty": (b"", "empty"),
        "text": (b"id,y,s\n1,0,0.5\n", "not a Parquet file"),
        "cut": (whole[: len(whole) // 2], "truncated"),
        "crypt": (b"PARE" + whole[4:-4] + b"PARE", "encrypted"),
        "footer": (whole[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged"),
    }
    for name, (content, said) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(DataError, match=f"shown-{name}.*{said}"):
            check_bytes(path, f"shown-{name}")
    with pytest.raises(DataError, match="no such file"):
        check_bytes(tmp_path / "nothing", "x")
    with pytest.raises(DataError, match="not a file"):
        check_bytes(tmp_path, "x")


def test_a_footer_that_promises_too_much_is_refused() -> None:
    """Rows, unpacked bytes, and rows that no such small file can hold (a decompression bomb)."""
    check_footer("x", size=22_000_000, rows=1_000_000, unpacked=30_000_000)
    for size, rows, unpacked in ((255_000, 30_000_000, 1), (10**12, MAX_ROWS + 1, 1), (10**9, 10, 10**12), (9, -1, 0)):
        with pytest.raises(DataError):
            check_footer("x", size=size, rows=rows, unpacked=unpacked)


def test_a_real_bomb_is_refused_before_its_rows_are_read(tmp_path: Path, good: Path) -> None:
    """A small file of 30 million equal rows."""
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


def test_pages_that_do_not_decode_are_an_error_with_the_file_named(tmp_path: Path, good: Path) -> None:
    """Damage in the middle of a file whose footer is sound."""
    whole = bytearray(good.read_bytes())
    whole[200:2000] = os.urandom(1800)
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(whole)
    files = {"baseline": Source.of(good, "a.parquet"), "candidate": Source.of(bad, "b.parquet")}
    with pytest.raises(DataError, match="cannot be read"):
        artifacts.observe(files, artifacts.BINARY)


def test_the_session_reads_nothing_but_the_artifacts(good: Path, tmp_path: Path) -> None:
    """Other files, attaching, extensions and settings are all refused; a path with a pattern is one file."""
    odd = tmp_path / "we[1]rd * ' name.parquet"
    odd.write_bytes(good.read_bytes())
    with open_session(
        {"baseline": Source.of(odd, "a"), "candidate": Source.of(good, "b")}, artifacts.MEMORY
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


def test_temporary_files_are_gone_after_success_and_after_an_error(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The private folder is removed in any case."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    artifacts.observe(files, artifacts.BINARY)

    def fail() -> None:
        with open_session(files, artifacts.MEMORY):
            assert list(place.iterdir())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(place.iterdir()) == []


def test_too_little_memory_is_an_input_error(good: Path) -> None:
    """A limit that cannot hold a page names the input that raises it."""
    files = {"baseline": Source.of(good, "a"), "candidate": Source.of(good, "b")}
    with pytest.raises(InputError, match="memory") as caught:
        artifacts.observe(files, artifacts.BINARY, memory=200_000)
    assert "--memory-limit" in caught.value.hint


def test_quoting() -> None:
    """Identifiers and texts cannot leave their quotes."""
    assert [identifier('a"b'), literal("a'b")] == ['"a""b"', "'a''b'"]


def test_a_signal_stops_a_running_query(good: Path, tmp_path: Path) -> None:
    """SIGTERM during a query that would run for hours: it ends at once, and the folder is removed."""
    place = tmp_path / "temporary"
    place.mkdir()
    script = textwrap.dedent(
        f"""
        import signal, sys, tempfile
        from pathlib import Path
        from ghmlops.measure.predictions.engine.open import open_session
        from ghmlops.measure.predictions.artifacts.source import Source

        def stop(*_): raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, stop)
        tempfile.tempdir = {str(place)!r}
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
    assert list(place.iterdir()) == []


def test_fewer_rows_than_a_page_spill_nothing_wrong(tmp_path: Path) -> None:
    """One row on each side is read like any other."""
    one = {"id": np.array([1]), "y": np.array([1]), "s": np.array([0.5])}
    files = {
        role: Source.of(artifacts.write(tmp_path / f"{role}.parquet", one), role) for role in ("baseline", "candidate")
    }
    seen = artifacts.observe(files, artifacts.BINARY)
    assert seen.facts.pairs
    assert seen.facts.pairs.usable == 1
