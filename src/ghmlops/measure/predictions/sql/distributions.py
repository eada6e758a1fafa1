# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Counts scores and features of both artifacts in the same bins, at quantiles of both sides, without sorting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.paired.aggregates import FINE_BINS
from ghmlops.core.predictions.behaviour.distribution import OTHERS, Distribution
from ghmlops.core.predictions.behaviour.sentinels import find_sentinels
from ghmlops.measure.predictions.column_types import NUMBER_KINDS, type_kind
from ghmlops.measure.predictions.layout import SIDES
from ghmlops.measure.predictions.sql.arrays import as_floats, as_ints
from ghmlops.measure.predictions.sql.columns import column_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.scores import BinnedScores
    from ghmlops.measure.predictions.sql.staging import StagedViews

MAX_BINS = 4096
"""Largest number of bins of a distribution of numbers."""
BINS_PER_E = 512
"""Number of bins per factor e of the first count: neighbours differ by 0.2 %."""
REFINEMENT, REFINEMENTS, MAX_BIN_SHARE = 1024, 2, 1 / 1024
"""Bins with a larger share of a side than the last are divided into the first number of bins of equal width, at most
the second number of times."""
LOWEST_LOG = 746
"""More than the logarithm of 1 / the smallest positive double."""
MAX_PROBABILITY_SHARE = 0.01
"""Share of a side. If no bin of equal width contains more, scores are not counted again in bins of equal mass."""
PROBABILITY_BINS = FINE_BINS // 16
"""Number of bins of a distribution of probabilities."""
MAX_VALUES = 1000
"""Number of distinct texts that are counted separately, and the name of the rest."""
QUARTILES = (0.25, 0.5, 0.75)
MAX_ROUNDING = 0.01
"""Share of the distance between two edges of quartiles by which one may be rounded."""


def probability_distribution(
    views: StagedViews, binned: tuple[BinnedScores, BinnedScores], rows: tuple[int, int]
) -> Distribution:
    """Return the usable scores of both sides of a binary task, paired or not; `rows` is the row count of each side.

    The bins in which the scores were already counted serve unless one of them contains much of a side, as with the
    scores of rare events or with ties.
    """
    step = FINE_BINS // PROBABILITY_BINS
    counts = [np.bincount(s.bin // step, weights=s.n, minlength=PROBABILITY_BINS).astype(np.int64) for s in binned]
    if any(side.max() > MAX_PROBABILITY_SHARE * side.sum() for side in counts):
        return read_score_distribution(views)
    missing = rows[0] - int(counts[0].sum()), rows[1] - int(counts[1].sum())
    used = np.flatnonzero(counts[0] + counts[1])
    first, last = int(used[0]), int(used[-1])
    return Distribution(
        column=views.layout.score,
        baseline=counts[0][first : last + 1],
        candidate=counts[1][first : last + 1],
        missing=missing,
        edges=np.linspace(0.0, 1.0, PROBABILITY_BINS + 1)[first : last + 2],
    )


def read_score_distribution(views: StagedViews) -> Distribution:
    """Count the usable predicted values of both sides, paired or not. Needs the view `pairs`."""
    sources = [
        f"SELECT CASE WHEN u{side} THEN s{side} END AS x FROM pairs WHERE side <> {only_other_side}"
        for side, only_other_side in (("a", 2), ("b", 1))
    ]
    policy = views.layout.policy
    return _count_numbers(views.session, policy.score if policy.task == "text" else views.layout.score, sources)


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
    sources = [
        f"SELECT CAST({column_sql(layout, role, column)} AS DOUBLE) AS x FROM {session.table(role)}" for role in SIDES
    ]
    return _count_numbers(session, column, sources)


def _count_numbers(session: Session, column: str, sources: Sequence[str]) -> Distribution:
    """Count the values `x` of both sides in bins of about equal mass; exactly the same values on every engine.

    The first count has bins of equal width of the logarithm. Bins with too large a share are divided until their mass
    is small or they contain a single value, so the scale of the column does not matter, nor do a few extreme values.
    Adjacent bins are merged at quantiles of both sides together.
    """
    finite = f"coalesce({session.dialect.finite('x')}, false)"
    logarithm = f"CAST(floor((ln(abs(x)) + {LOWEST_LOG}) * {BINS_PER_E}) AS BIGINT)"
    cell = f"CASE WHEN x = 0 THEN CAST(0 AS BIGINT) WHEN x > 0 THEN 1 + {logarithm} ELSE -1 - {logarithm} END"
    # The engine may compute a cell before it tests a condition, so other values are null before that.
    numbers = [f"SELECT CASE WHEN {finite} THEN x END AS x FROM ({source}) s" for source in sources]
    queries = [f"SELECT x, {cell} AS cell FROM ({number}) f WHERE x IS NOT NULL" for number in numbers]
    cells = _read_cells(session, queries)
    for level in range(1, REFINEMENTS + 1):
        heavy = cells.heavy()
        if not heavy.any():
            break
        name = f"heavy_bins_{level}"
        table = {"heavy_cell": cells.cell[heavy], "low": cells.low[heavy], "high": cells.high[heavy]}
        session.load(name, table, codes={})
        part = f"CAST(least(floor((x - h.low) / (h.high - h.low) * {REFINEMENT}), {REFINEMENT - 1}) AS BIGINT)"
        queries = [
            f"SELECT x, cell * {REFINEMENT} + CASE WHEN h.low IS NULL THEN 0 ELSE {part} END AS cell "
            f"FROM ({query}) r LEFT JOIN {name} h ON r.cell = h.heavy_cell"
            for query in queries
        ]
        cells = _read_cells(session, queries)
    counted = [int(side.sum()) for side in cells.counts]
    rows = [int(session.row(f"SELECT count(*) AS n FROM ({source}) s")["n"]) for source in sources]
    missing = rows[0] - counted[0], rows[1] - counted[1]
    return cells.distribution(column, missing)


class _Cells(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of both sides by cell, in ascending order, shape (k,) each."""

    cell: Ints
    low: Floats
    """Smallest value of the cell on either side."""
    high: Floats
    """Largest value."""
    counts: tuple[Ints, Ints]
    """Number of rows of each side."""

    def shares(self) -> list[Floats]:
        """Return the share of each side's rows per cell."""
        return [side / max(int(side.sum()), 1) for side in self.counts]

    def heavy(self) -> np.ndarray:
        """Return whether a cell has several values and too large a share of a side."""
        return np.asarray((self.low < self.high) & (np.maximum(*self.shares()) > MAX_BIN_SHARE))

    def distribution(self, column: str, missing: tuple[int, int]) -> Distribution:
        """Return the cells as a distribution of about `MAX_BINS` bins at most; each sentinel value is a bin."""
        if not len(self.cell):
            none = np.zeros(1, np.int64)
            return Distribution(
                column=column, baseline=none, candidate=none, missing=missing, edges=np.array([0.0, 1.0])
            )
        sentinels = find_sentinels(self.low, self.high, self.counts)
        starts = np.arange(len(self.cell))
        if len(starts) > MAX_BINS:
            mass = sum(self.shares()) / 2
            part = np.floor((np.cumsum(mass) - mass) * MAX_BINS).astype(np.int64)
            separate = np.isin(self.low, [s.value for s in sentinels]) & (self.low == self.high)
            starts = np.flatnonzero(np.r_[True, (np.diff(part) > 0) | separate[1:] | separate[:-1]])
        first, second = (np.add.reduceat(side, starts) for side in self.counts)
        edges = np.r_[self.low[starts], self.high[-1]]
        if len(edges) > 1 and edges[-1] == edges[-2]:
            edges[-1] = np.nextafter(edges[-1], np.inf)
        return Distribution(
            column=column, baseline=first, candidate=second, missing=missing, edges=edges, sentinels=tuple(sentinels)
        )


def _read_cells(session: Session, queries: Sequence[str]) -> _Cells:
    sides = [
        session.columns(f"SELECT cell, count(*) AS n, min(x) AS low, max(x) AS high FROM ({query}) c GROUP BY cell")
        for query in queries
    ]
    codes = [as_ints(side["cell"]) for side in sides]
    cell, index = np.unique(np.concatenate(codes), return_inverse=True)
    split = len(codes[0])
    low, high = np.full(len(cell), np.inf), np.full(len(cell), -np.inf)
    np.minimum.at(low, index, np.concatenate([as_floats(side["low"]) for side in sides]))
    np.maximum.at(high, index, np.concatenate([as_floats(side["high"]) for side in sides]))
    counts = [np.zeros(len(cell), np.int64) for _ in sides]
    for side, rows, part in zip(counts, sides, (index[:split], index[split:]), strict=True):
        side[part] = as_ints(rows["n"])
    # Adding 0 turns a negative zero into zero.
    return _Cells(cell=cell, low=low + 0.0, high=high + 0.0, counts=(counts[0], counts[1]))


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
    """Return the inner edges of four bins of about equal size on the baseline; fewer if many values are equal.

    They have at least 4 significant digits, and more if the values are close to each other compared with their size.
    """
    if distribution.edges is None or not distribution.baseline.sum():
        return []
    inner = distribution.edges[1:-1]
    below = np.cumsum(distribution.baseline)[:-1] / distribution.baseline.sum()
    proper = (below > 0) & (below < 1)
    inner, below = inner[proper], below[proper]
    if not len(inner):
        return []
    quartiles = np.unique([inner[int(np.argmin(np.abs(below - q)))] for q in QUARTILES])
    gaps = np.diff(np.r_[distribution.edges[0], quartiles, distribution.edges[-1]])
    smallest = float(gaps[gaps > 0].min())
    for digits in range(4, 17):
        rounded = [float(f"{edge:.{digits}g}") for edge in quartiles]
        if np.abs(rounded - quartiles).max() <= MAX_ROUNDING * smallest:
            return sorted(set(rounded))
    return [float(edge) for edge in quartiles]
