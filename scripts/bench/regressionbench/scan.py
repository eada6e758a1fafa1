"""`scan.py eight|all BASELINE CANDIDATE`: DuckDB reads columns of both sides and keeps nothing. No join, no diff.

What a diff by this engine can at best cost; run by the Python of the project, so by the same engine as ours.
"""

# ruff: noqa: S608  (every name in the SQL is ours, every path is the bench's)
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are no package that could be installed

from bench.regressionbench.data import COLUMNS, SIDES


def scanned(path: str, only: tuple[str, ...]) -> int:
    """Read every value of the columns (all where `only` is empty) and return the number of rows."""
    source = f"read_parquet('{path}/*.parquet')" if Path(path).is_dir() else f"read_parquet('{path}')"
    with duckdb.connect(":memory:", config={"threads": len(os.sched_getaffinity(0))}) as connection:
        types = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        # The minimum of a column could be answered from the footer; a sum, or the length of a text, cannot.
        parts = [_read(name, types[name]) for name in only or types]
        found = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source}").fetchone()
    if found is None or None in found:
        raise ValueError(f"{path}: the scan found no values")
    return int(found[0])


def _read(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"sum(strlen({name}))"
    return f"sum(epoch_us({name}))" if kind.startswith("TIMESTAMP") else f"sum({name})"


if __name__ == "__main__":
    columns = COLUMNS if sys.argv[1] == "eight" else ()
    print(json.dumps({f"rows_{side}": scanned(path, columns) for side, path in zip(SIDES, sys.argv[2:], strict=True)}))
