"""`scan.py eight|all|join BASELINE CANDIDATE`: DuckDB reads columns of both sides without a diff.

`join` pairs keys and scores only, with the memory limit of ours. A lower bound of the cost of a diff by this engine;
run by the Python of the project, and therefore by the same version of the engine.
"""

# ruff: noqa: S608  (all names and paths in the SQL come from the benchmark)
from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.regressionbench.data import COLUMNS, SIDES


def count_rows(path: str, only: tuple[str, ...]) -> int:
    """Read every value of the columns (of all columns if `only` is empty) and return the number of rows."""
    source = _source(path)
    with duckdb.connect(":memory:", config={"threads": len(os.sched_getaffinity(0))}) as connection:
        types = {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        # A minimum could be read from the footer of the file; a sum or the length of a text cannot.
        parts = [_read(name, types[name]) for name in only or types]
        result = connection.execute(f"SELECT count(*), {', '.join(parts)} FROM {source}").fetchone()
    if result is None or None in result:
        raise ValueError(f"{path}: the scan returned no values")
    return int(result[0])


def join_sides(paths: Sequence[str]) -> dict[str, int]:
    """Pair the rows of both sides by key, compare their scores, and return the numbers of paired and unpaired rows."""
    first, second = (_source(path) for path in paths)
    with duckdb.connect(":memory:", config={"threads": len(os.sched_getaffinity(0))}) as connection:
        connection.execute("SET memory_limit = '1GiB'; SET preserve_insertion_order = false")
        result = connection.execute(
            "SELECT count(*) FILTER (WHERE a.id = b.id), count(*) FILTER (WHERE b.id IS NULL), count(*) FILTER (WHERE "
            f"a.id IS NULL), sum(b.p_click - a.p_click) FROM {first} a FULL JOIN {second} b ON a.id = b.id"
        ).fetchone()
    if result is None or result[-1] is None:
        raise ValueError("the join returned no pairs")
    return dict(zip(("paired", "missing", "added"), map(int, result[:3]), strict=True))


def _source(path: str) -> str:
    return f"read_parquet('{path}/*.parquet')" if Path(path).is_dir() else f"read_parquet('{path}')"


def _read(name: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"sum(strlen({name}))"
    return f"sum(epoch_us({name}))" if kind.startswith("TIMESTAMP") else f"sum({name})"


if __name__ == "__main__":
    if sys.argv[1] == "join":
        result = join_sides(sys.argv[2:])
    else:
        columns = COLUMNS if sys.argv[1] == "eight" else ()
        result = {f"rows_{side}": count_rows(path, columns) for side, path in zip(SIDES, sys.argv[2:], strict=True)}
    print(json.dumps(result))
