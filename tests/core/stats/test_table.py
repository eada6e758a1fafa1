"""The table of statistical tests."""

from __future__ import annotations

from pathlib import Path

from ghmlops.core import stats


def test_every_file_is_in_the_table_and_every_line_has_its_file() -> None:
    """A statistical test is one file and one line, both ways."""
    files = {path.stem for path in Path(stats.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(stats.TESTS)
