"""Files that are not Parquet, damaged or implausible are rejected before they are opened."""

from __future__ import annotations

from pathlib import Path

import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.parquet_file import MAX_ROWS, check_bytes, check_footer


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
        "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "a pointer of Git LFS"),
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
