# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Counts scores and features of both artifacts in the same bins: one pass per column and side, without sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import FINE_BINS
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.measure.predictions.column_types import NUMBER_KINDS, type_kind
from ghmlops.measure.predictions.layout import SIDES
from ghmlops.measure.predictions.sql.columns import column_sql

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.scores import BinnedScores
    from ghmlops.measure.predictions.sql.staging import StagedViews

BINS = 4096
"""Number of bins of a distribution of numbers."""
PROBABILITY_BINS = FINE_BINS // 16
"""Number of bins of a distribution of probabilities."""
MAX_VALUES, OTHERS = 1000, "(others)"
"""Number of distinct texts that are counted separately, and the name of the rest."""
QUARTILES = (0.25, 0.5, 0.75)


def probability_distribution(
    views: StagedViews, binned: tuple[BinnedScores, BinnedScores], rows: tuple[int, int]
) -> Distribution:
    """Return the usable scores of both sides of a binary task, paired or not; `rows` is the row count of each side."""
    step = FINE_BINS // PROBABILITY_BINS
    counts = [np.bincount(s.bin // step, weights=s.n, minlength=PROBABILITY_BINS).astype(np.int64) for s in binned]
    missing = rows[0] - int(counts[0].sum()), rows[1] - int(counts[1].sum())
    return _trim(views.layout.score, np.linspace(0.0, 1.0, PROBABILITY_BINS + 1), counts, missing)


def read_score_distribution(views: StagedViews) -> Distribution:
    """Count the usable predicted values of both sides, paired or not. Needs the view `pairs`."""
    session = views.session
    centre, scale, low, high = _measure_scale(session, "SELECT sa AS x FROM pairs WHERE ua")
    counts, missing = [], []
    for side, only_other_side in (("a", 2), ("b", 1)):
        number = f"CAST({_bin_sql(f's{side}', centre, scale)} AS INTEGER)"
        bins = session.columns(
            f"SELECT CASE WHEN u{side} THEN {number} ELSE -1 END AS bin, count(*) AS n "
            f"FROM pairs WHERE side <> {only_other_side} GROUP BY 1"
        )
        binned, unbinned = _unpack_counts(bins)
        counts.append(binned)
        missing.append(unbinned)
    return _trim(views.layout.score, _edges(centre, scale, (low, high)), counts, (missing[0], missing[1]))


def read_features(session: Session, layout: Layout) -> tuple[Distribution, ...]:
    """Count each feature that both sides have, over all rows."""
    features = []
    for column in layout.policy.features:
        if not all(layout.has(role, column) for role in SIDES):
            continue
        kinds = {type_kind(layout.type_of(role, column)) for role in SIDES}
        read = _read_numbers if kinds <= set(NUMBER_KINDS) else _read_texts
        features.append(read(session, layout, column))
    return tuple(features)


def _read_numbers(session: Session, layout: Layout, column: str) -> Distribution:
    dialect, sources = session.dialect, {}
    for role in SIDES:
        number = f"CAST({column_sql(layout, role, column)} AS DOUBLE)"
        sources[role] = f"SELECT {number} AS x FROM {session.table(role)}"
    is_finite = f"coalesce({dialect.finite('x')}, false)"
    centre, scale, low, high = _measure_scale(session, f"SELECT x FROM ({sources['baseline']}) WHERE {is_finite}")
    counts, missing = [], []
    for role in SIDES:
        number = f"CASE WHEN {is_finite} THEN {_bin_sql('x', centre, scale)} ELSE -1 END"
        bins = session.columns(
            f"SELECT CAST({number} AS INTEGER) AS bin, count(*) AS n FROM ({sources[role]}) GROUP BY 1"
        )
        binned, unbinned = _unpack_counts(bins)
        counts.append(binned)
        missing.append(unbinned)
    return _trim(column, _edges(centre, scale, (low, high)), counts, (missing[0], missing[1]))


def _measure_scale(session: Session, values: str) -> tuple[float, float, float, float]:
    """Return mean, mean absolute deviation and range of the baseline's values.

    The first two have 3 significant digits, so that every engine computes the same bins.
    """
    summary = session.row(f"SELECT avg(x) AS mean, min(x) AS low, max(x) AS high FROM ({values})")
    if summary["mean"] is None:
        return 0.0, 1.0, 0.0, 1.0
    centre = _round(float(summary["mean"]))
    deviation = f"avg(abs(x - CAST({centre!r} AS DOUBLE)))"
    scale = _round(float(session.row(f"SELECT {deviation} AS deviation FROM ({values})")["deviation"]))
    return centre, scale if scale > 0 else 1.0, float(summary["low"]), float(summary["high"])


def _round(number: float) -> float:
    return float(f"{number:.3g}")


def _bin_sql(number: str, centre: float, scale: float) -> str:
    """Return SQL for the index of a bin. Bins are narrow around the centre, wider outwards, and the last are unbounded.

    With u = x - centre, the bins have equal width in z = u / (|u| + scale), which is between -1 and 1.
    """
    offset = f"({number} - CAST({centre!r} AS DOUBLE))"
    return f"least(floor(({offset} / (abs{offset} + CAST({scale!r} AS DOUBLE)) + 1.0) * {BINS // 2}), {BINS - 1})"


def _edges(centre: float, scale: float, bounds: tuple[float, float]) -> Floats:
    """Return the edges of the bins of `_bin_sql`; the outermost ones are the range of the baseline's values."""
    z = np.linspace(-1.0, 1.0, BINS + 1)[1:-1]
    inner = centre + scale * z / (1.0 - np.abs(z))
    low, high = min(bounds[0], float(inner[0])), max(bounds[1], float(inner[-1]))
    return np.concatenate([[low], inner, [high]])


def _unpack_counts(bins: dict[str, np.ndarray]) -> tuple[Ints, int]:
    """Return the number of rows of each bin, and the number of rows in no bin."""
    index = np.asarray(np.ma.filled(np.ma.asarray(bins["bin"]), -1), dtype=np.int64)
    n = np.asarray(np.ma.getdata(bins["n"]), dtype=np.int64)
    binned = index >= 0
    counts = np.bincount(index[binned], weights=n[binned], minlength=BINS).astype(np.int64)
    return counts, int(n[~binned].sum())


def _trim(column: str, edges: Floats, counts: list[Ints], missing: tuple[int, int]) -> Distribution:
    """Return the distribution without the empty bins at both ends."""
    used = np.flatnonzero(counts[0] + counts[1])
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    return Distribution(
        column=column,
        baseline=counts[0][first : last + 1],
        candidate=counts[1][first : last + 1],
        missing=missing,
        edges=edges[first : last + 2],
    )


def _read_texts(session: Session, layout: Layout, column: str) -> Distribution:
    """Count the values of a column as text; the values after the most frequent ones are counted together."""
    counts: list[dict[str, int]] = []
    missing = []
    for role in SIDES:
        text = f"left(CAST({column_sql(layout, role, column)} AS {session.dialect.text}), 200)"
        rows = session.rows(
            f"SELECT {text} AS v, count(*) AS n FROM {session.table(role)} GROUP BY 1 "
            f"ORDER BY n DESC, v NULLS LAST LIMIT {MAX_VALUES + 1}"
        )
        total = session.count(role)
        counts.append({str(v): int(n) for v, n in rows if v is not None})
        missing.append(sum(int(n) for v, n in rows if v is None))
        if rest := total - sum(counts[-1].values()) - missing[-1]:
            counts[-1][OTHERS] = counts[-1].get(OTHERS, 0) + rest
    values = sorted(set(counts[0]) | set(counts[1]), key=lambda v: (v == OTHERS, -counts[0].get(v, 0), v))
    sides = [np.array([side.get(v, 0) for v in values], dtype=np.int64) for side in counts]
    return Distribution(
        column=column, baseline=sides[0], candidate=sides[1], missing=(missing[0], missing[1]), values=values
    )


def quartile_edges(distribution: Distribution) -> list[float]:
    """Return the inner edges of four bins of about equal size on the baseline; fewer if many values are equal."""
    if distribution.edges is None or not distribution.baseline.sum():
        return []
    below = np.cumsum(distribution.baseline) / distribution.baseline.sum()
    quartiles = [float(distribution.edges[int(np.searchsorted(below, q)) + 1]) for q in QUARTILES]
    rounded = [float(f"{edge:.4g}") for edge in quartiles]
    return sorted({edge for edge in rounded if distribution.edges[0] < edge <= distribution.edges[-1]})
