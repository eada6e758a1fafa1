"""`polars_diff.py [fingerprint] BASELINE CANDIDATE`: the diff by polars' lazy frames and streaming engine.

It has fewer results than ours. With `fingerprint` it also hashes the content of both sides, all columns, as ours does.
"""

# ruff: noqa: ANN401  (frames of libraries without types here)
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.regressionbench.data import COLUMNS, MINIMUM_ROWS, SLICES

MEASURED = ("right_a", "right_b", "loss_a", "loss_b", "yes_a", "yes_b")


def diff(baseline: str, candidate: str) -> dict[str, float]:
    """Scan, check, join and summarise both sides."""
    first, second = (pl.scan_parquet(_files(path)).select(COLUMNS) for path in (baseline, candidate))
    rows = [check(side) for side in (first, second)]
    other = second.select("id", "clicked", "p_click", "y_pred")
    joined = first.join(other, on="id", suffix="_b").with_columns(*measures()).collect(engine="streaming")
    if (joined["clicked"] != joined["clicked_b"]).any():
        raise ValueError("labels differ")
    paired = joined.height
    result = {"rows_baseline": rows[0], "rows_candidate": rows[1], "paired": paired}
    return {
        **result,
        "missing": rows[0] - paired,
        "added": rows[1] - paired,
        **overall(joined),
        **cell_counts(joined.lazy()),
    }


def fingerprint(path: str) -> str:
    """Return a hash of the content that depends neither on the order of the rows nor on that of the columns."""
    side = pl.scan_parquet(_files(path))
    names = sorted(side.collect_schema().names())
    row = side.select(pl.struct(names).hash().alias("row"))
    parts = row.select(
        rows=pl.len(), total=(pl.col("row") & 0xFFFFFFFF).sum(), parity=pl.col("row").bitwise_xor()
    ).collect(engine="streaming")
    return f"{names} {parts.row(0)}"


def _files(path: str) -> str:
    return f"{path}/*.parquet" if Path(path).is_dir() else path


def check(side: Any) -> int:
    """Check keys, labels and scores, and return the number of rows.

    Raises:
        ValueError: A check failed.
    """
    key, score = pl.col("id"), pl.col("p_click")
    counts = side.select(
        rows=pl.len(),
        keys=key.n_unique(),
        nulls=pl.sum_horizontal(pl.col("id", "clicked", "p_click", "y_pred").null_count()),
        outside=(~score.is_between(0, 1)).sum(),
    ).collect(engine="streaming")
    rows, keys, nulls, outside = counts.row(0)
    if keys != rows or nulls or outside:
        raise ValueError(f"{rows} rows with {keys} keys, {nulls} nulls, {outside} scores out of range")
    return int(rows)


def measures() -> list[Any]:
    """Return the expressions of the values of each row."""
    result = []
    for side, tail in (("a", ""), ("b", "_b")):
        label, score, decision = pl.col("clicked"), pl.col(f"p_click{tail}"), pl.col(f"y_pred{tail}")
        loss = -pl.when(label == 1).then(score).otherwise(1 - score).log()
        result += [
            (decision == label).alias(f"right_{side}"),
            loss.alias(f"loss_{side}"),
            (decision == 1).alias(f"yes_{side}"),
        ]
    return result


def overall(joined: Any) -> dict[str, float]:
    """Return the metrics over all pairs."""
    label = pl.col("clicked") == 1
    parts = [(pl.col("y_pred") != pl.col("y_pred_b")).sum().alias("decision_changes"), label.sum().alias("yes")]
    for side, name, tail in (("a", "baseline", ""), ("b", "candidate", "_b")):
        parts.append(pl.col(f"right_{side}").mean().alias(f"accuracy_{name}"))
        parts.append(pl.col(f"loss_{side}").mean().alias(f"log_loss_{name}"))
        parts.append(pl.col(f"p_click{tail}").rank().filter(label).sum().alias(f"auc_{name}"))
    result: dict[str, float] = joined.select(parts).row(0, named=True)
    yes = result.pop("yes")
    for name in ("auc_baseline", "auc_candidate"):
        result[name] = (result[name] - yes * (yes + 1) / 2) / (yes * (joined.height - yes))
    return result


def cell_counts(joined: Any) -> dict[str, float]:
    """Return the number of judged slices and days."""
    cells = [joined.group_by(*by).agg(*_statistics()) for by in SLICES]
    cells.append(joined.group_by(pl.col("event_time").dt.truncate("1d")).agg(*_statistics()))
    counts = [int((table["n"] >= MINIMUM_ROWS).sum()) for table in pl.collect_all(cells, engine="streaming")]
    return {"slices": sum(counts[:-1]), "windows": counts[-1]}


def _statistics() -> list[Any]:
    measured = pl.col(*MEASURED).cast(pl.Float64)
    return [pl.len().alias("n"), measured.mean().name.suffix("_mean"), measured.var().name.suffix("_var")]


if __name__ == "__main__":
    paths = sys.argv[-2:]
    if sys.argv[1] == "fingerprint" and fingerprint(paths[0]) == fingerprint(paths[1]):
        raise ValueError("both sides are the same")
    print(json.dumps(diff(*paths)))
