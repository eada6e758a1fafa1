"""`scan.py eight|all|join BASELINE CANDIDATE`: DuckDB reads columns of both sides and keeps nothing. No diff.

`join` pairs keys and scores alone, with the memory that ours may use. What a diff by this engine can at best cost; run
by the Python of the project, so by the same engine as ours.
"""

# ruff: noqa: S608  (every name in the SQL is ours, every path is the bench's)
from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are no package that could be installed

from bench.regressionbench.data import COLUMNS, SIDES


def scanned(path: str, only: tuple[str, ...]) -> int:
    """Read every value of the columns (all where `only` is empty) and return the number of rows."""
    source = _source(path)
    with duckdb.connect(":memory:", config={"threads": len(os.sched_getaffinity(0))}) as connection:
        types = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        # The minimum of a column could be answered from the footer; a sum, or the length of a text, cannot.
        parts = [_read(name, types[name]) for name in only or types]
        found = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source}").fetchone()
    if found is None or None in found:
        raise ValueError(f"{path}: the scan found no values")
    return int(found[0])


def joined(paths: Sequence[str]) -> dict[str, int]:
    """Pair the rows of both sides by key, compare their scores, and return how many each side has alone."""
    first, second = (_source(path) for path in paths)
    with duckdb.connect(":memory:", config={"threads": len(os.sched_getaffinity(0))}) as connection:
        connection.execute("SET memory_limit = '1GiB'; SET preserve_insertion_order = false")
        found = connection.execute(
            "SELECT count(*) FILTER (WHERE a.id = b.id), count(*) FILTER (WHERE b.id IS NULL), count(*) FILTER (WHERE "
            f"a.id IS NULL), sum(b.p_click - a.p_click) FROM {first} a FULL JOIN {second} b ON a.id = b.id"
        ).fetchone()
    if found is None or found[-1] is None:
        raise ValueError("the join found no pair")
    return dict(zip(("paired", "missing", "added"), map(int, found[:3]), strict=True))


def _source(path: str) -> str:
    return f"read_parquet('{path}/*.parquet')" if Path(path).is_dir() else f"read_parquet('{path}')"


def _read(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"sum(strlen({name}))"
    return f"sum(epoch_us({name}))" if kind.startswith("TIMESTAMP") else f"sum({name})"


if __name__ == "__main__":
    if sys.argv[1] == "join":
        found = joined(sys.argv[2:])
    else:
        columns = COLUMNS if sys.argv[1] == "eight" else ()
        found = {f"rows_{side}": scanned(path, columns) for side, path in zip(SIDES, sys.argv[2:], strict=True)}
    print(json.dumps(found))
