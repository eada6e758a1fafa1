"""Distributions of a column in two artifacts, for the tests of drift."""

from __future__ import annotations

import numpy as np

from ghmlops.core.predictions.behaviour.distribution import Distribution


def binned(
    first: np.ndarray, second: np.ndarray, edges: np.ndarray, missing: tuple[int, int] = (0, 0), column: str = "x"
) -> Distribution:
    """Return a numeric column, counted in the bins between the edges."""
    a, b = (np.histogram(side, edges)[0].astype(np.int64) for side in (first, second))
    return Distribution(column=column, baseline=a, candidate=b, missing=missing, edges=edges)


def categories(first: list[int], second: list[int], missing: tuple[int, int] = (0, 0)) -> Distribution:
    """Return a column of categories `v0`, `v1`, ... from their numbers of rows."""
    return Distribution(
        column="device",
        baseline=np.array(first, dtype=np.int64),
        candidate=np.array(second, dtype=np.int64),
        missing=missing,
        values=[f"v{i}" for i in range(len(first))],
    )
