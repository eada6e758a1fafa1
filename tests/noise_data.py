"""Aggregates of two baselines and a candidate, for the tests of the noise floor."""

from __future__ import annotations

import numpy as np

from ghmlops.core.paired.aggregates import Cells, Counts, Groups


def churn_counts(changed: int, rows: int, clusters: int = 0) -> Counts:
    """Return one overall cell; with clusters the changed rows are in as few of them as possible."""
    n = [rows - changed, changed]
    flags, sizes, group = [0, 1], [float(k) for k in n], [0, 1]
    if clusters:
        size, flags, sizes, group = rows // clusters, [], [], []
        left = changed
        for cluster in range(clusters):
            changed_here = min(left, size)
            left -= changed_here
            flags += [0, 1]
            sizes += [float(size - changed_here), float(changed_here)]
            group += [cluster, cluster]
    candidate = np.array(flags, dtype=np.int64)
    return Counts(
        cells=1,
        classes=2,
        cell=np.zeros(len(flags), dtype=np.int64),
        label=np.where(candidate == 1, -1, 0),
        baseline=np.zeros(len(flags), dtype=np.int64),
        candidate=candidate,
        n=np.array(sizes),
        group=np.array(group, dtype=np.int64) if clusters else None,
    )


def distance_sums(values: np.ndarray, group: np.ndarray | None = None) -> Cells:
    """Return the sums of |score difference|."""
    zero = np.zeros(1)
    groups = None
    if group is not None:
        n, d, dd = (np.bincount(group, weights=v).astype(np.float64) for v in (np.ones_like(values), values, values**2))
        groups = Groups(cell=np.zeros(len(n), dtype=np.int64), n=n, a=np.zeros(len(n)), d=d, dd=dd)
    total = np.array([float(len(values))])
    square = np.array([float((values**2).sum())])
    return Cells(n=total, a=zero, d=np.array([float(values.sum())]), aa=zero, ad=zero, dd=square, groups=groups)
