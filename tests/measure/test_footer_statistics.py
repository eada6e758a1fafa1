"""Every DuckDB session that reads a file ignores the statistics in its footer."""

from __future__ import annotations

from pathlib import Path

import duckdb

import ghmlops
from ghmlops.measure.footer_statistics import STATISTICS_OPTIMIZERS

EXCEPTIONS = {
    "spark_session.py": "the connection converts Spark's results and reads no file",
    "folded_records.py": "the connection writes a file of its own rows and reads none",
}


def test_every_session_that_reads_a_file_ignores_its_statistics() -> None:
    """A module that opens a connection names the setting, or is an exception with a reason."""
    modules = [
        path
        for path in Path(ghmlops.__file__).parent.rglob("*.py")
        if "duckdb.connect(" in path.read_text() and "STATISTICS_OPTIMIZERS" not in path.read_text()
    ]
    assert {module.name for module in modules} == set(EXCEPTIONS)


def test_this_release_of_duckdb_knows_each_optimizer() -> None:
    """An unknown name would be an error; a new optimizer that believes statistics is found by the forged files."""
    with duckdb.connect(config={"disabled_optimizers": STATISTICS_OPTIMIZERS}) as connection:
        values = connection.execute("SELECT current_setting('disabled_optimizers')").fetchall()
    assert set(values[0][0].replace(" ", "").split(",")) == set(STATISTICS_OPTIMIZERS.split(","))
