# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Scores and features of both artifacts, counted in the same bins. One pass a column and side; nothing is sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.paired.aggregates import FINE
from ghmlops.core.predictions.behaviour.distribution import Distribution
from ghmlops.measure.predictions.layout import NUMBER_KINDS, SIDES, kind
from ghmlops.measure.predictions.sql.columns import column_of

if TYPE_CHECKING:
    from ghmlops.core.paired.aggregates import Floats, Ints
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.scores import Fine
    from ghmlops.measure.predictions.sql.staging import Staged

BINS = 4096
PROBABILITIES = FINE // 16
"""Bins of a distribution of values, and of probabilities."""
MOST_VALUES, OTHERS = 1000, "(others)"
QUARTERS = (0.25, 0.5, 0.75)


def probabilities(at: Staged, fine: tuple[Fine, Fine], rows: tuple[int, int]) -> Distribution:
    """Return the usable scores of both sides of a binary task, paired or not; `rows` are all rows of each side."""
    step = FINE // PROBABILITIES
    counts = [np.bincount(s.place // step, weights=s.n, minlength=PROBABILITIES).astype(np.int64) for s in fine]
    missing = rows[0] - int(counts[0].sum()), rows[1] - int(counts[1].sum())
    return _trimmed(at.layout.score, np.linspace(0.0, 1.0, PROBABILITIES + 1), counts, missing)


def read_values(at: Staged) -> Distribution:
    """Count the usable values of both sides, paired or not. Needs the view `pairs`."""
    session = at.session
    centre, scale, low, high = _scale(session, "SELECT sa AS x FROM pairs WHERE ua")
    counts, missing = [], []
    for side, only in (("a", 2), ("b", 1)):
        found = session.columns(
            f"SELECT CASE WHEN u{side} THEN CAST({_place(f's{side}', centre, scale)} AS INTEGER) ELSE -1 END AS place, "
            f"count(*) AS n FROM pairs WHERE side <> {only} GROUP BY 1"
        )
        inside, outside = _counted(found)
        counts.append(inside)
        missing.append(outside)
    return _trimmed(at.layout.score, _edges(centre, scale, (low, high)), counts, (missing[0], missing[1]))


def read_features(session: Session, layout: Layout) -> tuple[Distribution, ...]:
    """Count each feature on both sides, all rows."""
    found = []
    for column in layout.policy.features:
        if not all(layout.has(role, column) for role in SIDES):
            continue
        kinds = {kind(layout.type_of(role, column)) for role in SIDES}
        read = _numeric if kinds <= set(NUMBER_KINDS) else _categories
        found.append(read(session, layout, column))
    return tuple(found)


def _numeric(session: Session, layout: Layout, column: str) -> Distribution:
    dialect, sources = session.dialect, {}
    for role in SIDES:
        number = f"CAST({column_of(layout, role, column)} AS DOUBLE)"
        sources[role] = f"SELECT {number} AS x FROM {session.table(role)}"
    kept = {
        role: f"SELECT x FROM ({sql}) WHERE coalesce({dialect.finite('x')}, false)" for role, sql in sources.items()
    }
    centre, scale, low, high = _scale(session, kept["baseline"])
    counts, missing = [], []
    for role in SIDES:
        place = f"CASE WHEN coalesce({dialect.finite('x')}, false) THEN {_place('x', centre, scale)} ELSE -1 END"
        found = session.columns(
            f"SELECT CAST({place} AS INTEGER) AS place, count(*) AS n FROM ({sources[role]}) GROUP BY 1"
        )
        inside, outside = _counted(found)
        counts.append(inside)
        missing.append(outside)
    return _trimmed(column, _edges(centre, scale, (low, high)), counts, (missing[0], missing[1]))


def _scale(session: Session, values: str) -> tuple[float, float, float, float]:
    """Return centre and scale of the baseline's values, to 3 digits so that every engine bins alike, and its range."""
    first = session.row(f"SELECT avg(x) AS mean, min(x) AS low, max(x) AS high FROM ({values})")
    if first["mean"] is None:
        return 0.0, 1.0, 0.0, 1.0
    centre = _rounded(float(first["mean"]))
    apart = session.row(f"SELECT avg(abs(x - CAST({centre!r} AS DOUBLE))) AS apart FROM ({values})")["apart"]
    scale = _rounded(float(apart))
    return centre, scale if scale > 0 else 1.0, float(first["low"]), float(first["high"])


def _rounded(number: float) -> float:
    return float(f"{number:.3g}")


def _place(number: str, centre: float, scale: float) -> str:
    """Return SQL for a bin that is fine about the centre and wider towards both ends, which have no limit."""
    off = f"({number} - CAST({centre!r} AS DOUBLE))"
    return f"least(floor(({off} / (abs{off} + CAST({scale!r} AS DOUBLE)) + 1.0) * {BINS // 2}), {BINS - 1})"


def _edges(centre: float, scale: float, bounds: tuple[float, float]) -> Floats:
    z = np.linspace(-1.0, 1.0, BINS + 1)[1:-1]
    inner = centre + scale * z / (1.0 - np.abs(z))
    low, high = min(bounds[0], float(inner[0])), max(bounds[1], float(inner[-1]))
    return np.concatenate([[low], inner, [high]])


def _counted(found: dict[str, np.ndarray]) -> tuple[Ints, int]:
    place = np.asarray(np.ma.filled(np.ma.asarray(found["place"]), -1), dtype=np.int64)
    n = np.asarray(np.ma.getdata(found["n"]), dtype=np.int64)
    inside = place >= 0
    counts = np.bincount(place[inside], weights=n[inside], minlength=BINS).astype(np.int64)
    return counts, int(n[~inside].sum())


def _trimmed(column: str, edges: Floats, counts: list[Ints], missing: tuple[int, int]) -> Distribution:
    """Leave the empty bins of both ends out."""
    used = np.flatnonzero(counts[0] + counts[1])
    first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
    return Distribution(
        column=column,
        baseline=counts[0][first : last + 1],
        candidate=counts[1][first : last + 1],
        missing=missing,
        edges=edges[first : last + 2],
    )


def _categories(session: Session, layout: Layout, column: str) -> Distribution:
    """Count the values of a column as text; beyond the most frequent ones they are counted together."""
    counts: list[dict[str, int]] = []
    missing = []
    for role in SIDES:
        text = f"left(CAST({column_of(layout, role, column)} AS {session.dialect.text}), 200)"
        found = session.rows(
            f"SELECT {text} AS v, count(*) AS n FROM {session.table(role)} GROUP BY 1 "
            f"ORDER BY n DESC, v NULLS LAST LIMIT {MOST_VALUES + 1}"
        )
        whole = session.count(role)
        counts.append({str(v): int(n) for v, n in found if v is not None})
        missing.append(sum(int(n) for v, n in found if v is None))
        if rest := whole - sum(counts[-1].values()) - missing[-1]:
            counts[-1][OTHERS] = counts[-1].get(OTHERS, 0) + rest
    values = sorted(set(counts[0]) | set(counts[1]), key=lambda v: (v == OTHERS, -counts[0].get(v, 0), v))
    sides = [np.array([one.get(v, 0) for v in values], dtype=np.int64) for one in counts]
    return Distribution(
        column=column, baseline=sides[0], candidate=sides[1], missing=(missing[0], missing[1]), values=values
    )


def quarters(distribution: Distribution) -> list[float]:
    """Return the inner edges of four bins of about equal mass on the baseline; fewer where values repeat."""
    if distribution.edges is None or not distribution.baseline.sum():
        return []
    below = np.cumsum(distribution.baseline) / distribution.baseline.sum()
    found = [float(distribution.edges[int(np.searchsorted(below, q)) + 1]) for q in QUARTERS]
    inner = [float(f"{edge:.4g}") for edge in found]
    return sorted({edge for edge in inner if distribution.edges[0] < edge <= distribution.edges[-1]})
