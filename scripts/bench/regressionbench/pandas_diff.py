"""`pandas_diff.py BASELINE CANDIDATE`: a common diff in pandas, with fewer results than ours (see the README)."""

# ruff: noqa: ANN401  (frames of libraries without types here)
from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripts are not an installed package

from bench.regressionbench.data import COLUMNS, MINIMUM_ROWS, SLICES

MEASURED = ["right_a", "right_b", "loss_a", "loss_b", "yes_a", "yes_b"]


def diff(baseline: str, candidate: str) -> dict[str, float]:
    """Read, check, merge and summarise both sides."""
    first, second = (pd.read_parquet(path, columns=list(COLUMNS)) for path in (baseline, candidate))
    result: dict[str, float] = {"rows_baseline": len(first), "rows_candidate": len(second)}
    for side in (first, second):
        check(side)
    pairs = first.merge(second[["id", "clicked", "p_click", "y_pred"]], on="id", suffixes=("_a", "_b"))
    if (pairs["clicked_a"] != pairs["clicked_b"]).any():
        raise ValueError("labels differ")
    result |= {"paired": len(pairs), "missing": len(first) - len(pairs), "added": len(second) - len(pairs)}
    del first, second
    measure(pairs)
    return result | overall(pairs) | cell_counts(pairs)


def check(side: Any) -> None:
    """Check keys, labels and scores.

    Raises:
        ValueError: A check failed.
    """
    if side["id"].isna().any() or side["id"].duplicated().any():
        raise ValueError("keys are missing or repeated")
    if side[["clicked", "p_click", "y_pred"]].isna().any().any() or not side["p_click"].between(0, 1).all():
        raise ValueError("labels or scores are missing or out of range")


def measure(pairs: Any) -> None:
    """Add the columns with the values of each row."""
    label = pairs["clicked_a"] == 1
    for side in "ab":
        score = pairs[f"p_click_{side}"]
        pairs[f"right_{side}"] = pairs[f"y_pred_{side}"] == pairs["clicked_a"]
        pairs[f"loss_{side}"] = -np.log(np.where(label, score, 1 - score))
        pairs[f"yes_{side}"] = pairs[f"y_pred_{side}"] == 1


def overall(pairs: Any) -> dict[str, float]:
    """Return the metrics over all pairs."""
    result: dict[str, float] = {"decision_changes": int((pairs["y_pred_a"] != pairs["y_pred_b"]).sum())}
    for side, name in (("a", "baseline"), ("b", "candidate")):
        result[f"accuracy_{name}"] = float(pairs[f"right_{side}"].mean())
        result[f"log_loss_{name}"] = float(pairs[f"loss_{side}"].mean())
        result[f"auc_{name}"] = area(pairs[f"p_click_{side}"], pairs["clicked_a"] == 1)
    return result


def area(score: Any, label: Any) -> float:
    """Return the area under the curve by ranks."""
    yes = int(label.sum())
    ranks = float(score.rank()[label].sum())
    return (ranks - yes * (yes + 1) / 2) / (yes * (len(label) - yes))


def cell_counts(pairs: Any) -> dict[str, float]:
    """Return the number of judged slices and days."""
    pairs["day"] = pairs["event_time"].dt.floor("D")

    def cells(by: list[str]) -> int:
        table = pairs.groupby(by, observed=True)[MEASURED].agg(["count", "mean", "var"])
        return int((table[("right_a", "count")] >= MINIMUM_ROWS).sum())

    return {"slices": sum(cells(list(by)) for by in SLICES), "windows": cells(["day"])}


if __name__ == "__main__":
    print(json.dumps(diff(*sys.argv[1:3])))
