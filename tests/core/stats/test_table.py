"""The table of statistical tests."""

from __future__ import annotations

from pathlib import Path

from ghmlops.core import stats


def test_the_table_lists_every_module_of_the_package() -> None:
    """Every file has a line in `TESTS`, and every line has a file; `special` is no test."""
    files = {path.stem for path in Path(stats.__file__).parent.glob("*.py")} - {"__init__", "special"}
    assert files == set(stats.TESTS)
