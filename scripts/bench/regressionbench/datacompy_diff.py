"""`datacompy_diff.py pandas|polars BASELINE CANDIDATE`: the report of datacompy, without metrics or slices."""

# ruff: noqa: ANN401  (frames of libraries without types here)
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import datacompy  # type: ignore[import-not-found]

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.regressionbench.data import COLUMNS


def diff(engine: str, baseline: str, candidate: str) -> dict[str, float]:
    """Read both sides, compare them and create the report."""
    compare = datacompy.PandasCompare if engine == "pandas" else datacompy.PolarsCompare
    result = compare(_read(engine, baseline), _read(engine, candidate), join_columns=["id"])
    if "DataComPy" not in result.report():
        raise ValueError("datacompy created no report")
    rows = {
        "paired": len(result.intersect_rows),
        "missing": len(result.df1_unq_rows),
        "added": len(result.df2_unq_rows),
    }
    changes = next(column["unequal_cnt"] for column in result.column_stats if column["column"] == "y_pred")
    return {**rows, "decision_changes": int(changes)}


def _read(engine: str, path: str) -> Any:
    if engine == "pandas":
        import pandas as pd  # type: ignore[import-untyped]

        return pd.read_parquet(path, columns=list(COLUMNS))
    import polars as pl

    files = f"{path}/*.parquet" if Path(path).is_dir() else path
    return pl.read_parquet(files, columns=list(COLUMNS))


if __name__ == "__main__":
    print(json.dumps(diff(*sys.argv[1:4])))
