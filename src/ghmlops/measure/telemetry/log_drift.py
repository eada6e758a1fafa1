# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Compares the newer half of the rows of a log with the older half: values that are new, and how far they drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.watch.drift import stability_index
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.policy.production.watch import Log

    Rows = Callable[[str], list[tuple[object, ...]]]

DECILES = tuple(n / 10 for n in range(1, 10))
"""Quantiles of the older half that bound the bins of a numeric column."""
MAX_CATEGORIES = 20
"""Most frequent values of the older half that are a bin each; the others are one together."""
_NUMERIC = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "UTINYINT",
    "USMALLINT",
)


class DriftInterval(NamedTuple):
    """The rows of one interval: its start, how many there are, and the statistic."""

    time: int
    rows: int
    value: float


def drift_intervals(  # noqa: PLR0913, PLR0917  (a log that was opened)
    rows: Rows, source: str, log: Log, kind: str, seconds: str, since: float, until: float
) -> list[DriftInterval]:
    """Return the statistic of each interval of the newer half of the time that the rows cover until a time.

    Rows after that time are part of neither half; their intervals are returned, so that a wrong clock is reported.

    Args:
        rows: runs a query.
        source: SQL of the rows.
        log: what is read.
        kind: type of the column `value`.
        seconds: SQL of the time of a row in seconds since the epoch.
        since: start; rows before it are not read.
        until: end of the time that is divided into halves.

    Raises:
        DataError: A file cannot be read.
    """
    column, every = identifier(log.value), int(log.every)
    table = f"(SELECT {seconds} AS seconds, {column} AS value FROM {source} WHERE {seconds} >= {float(since)!r})"
    (limits,) = rows(f"SELECT min(seconds), max(seconds) FROM {table} WHERE seconds < {float(until)!r}")
    if limits[0] is None:
        return []
    middle = (float(str(limits[0])) + float(str(limits[1]))) / 2.0
    cut = int(middle // every + 1) * every
    old = f"(SELECT value FROM {table} WHERE seconds < {min(float(cut), until)!r})"
    bucket = f"CAST(floor(seconds / {every}) AS BIGINT) * {every}"
    if log.statistic == "unseen":
        older = f"(SELECT DISTINCT value FROM {old} WHERE value IS NOT NULL)"
        share = f"avg(CASE WHEN value IS NOT NULL AND value NOT IN {older} THEN 1.0 ELSE 0.0 END)"
        shares = rows(
            f"SELECT {bucket} AS time, count(*), {share} FROM {table} WHERE seconds >= {cut} GROUP BY 1 ORDER BY 1"
        )
        return [DriftInterval(int(str(t)), int(str(n)), float(str(v))) for t, n, v in shares]
    bins = _numeric_bins(rows, old) if kind.startswith(_NUMERIC) else _text_bins(rows, old)
    reference = {str(name): int(str(n)) for name, n in rows(f"SELECT {bins}, count(*) FROM {old} GROUP BY 1")}
    counts: dict[int, dict[str, int]] = {}
    for time, name, n in rows(f"SELECT {bucket}, {bins}, count(*) FROM {table} WHERE seconds >= {cut} GROUP BY 1, 2"):
        counts.setdefault(int(str(time)), {})[str(name)] = int(str(n))
    return [
        DriftInterval(time, sum(row.values()), stability_index(reference, row)) for time, row in sorted(counts.items())
    ]


def _numeric_bins(rows: Rows, old: str) -> str:
    """Return the SQL of the bin of a number: how many deciles it exceeds; null and NaN have a bin each."""
    number = "TRY_CAST(value AS DOUBLE)"
    finite = f"(SELECT {number} AS value FROM {old} WHERE isfinite({number}))"
    ((edges,),) = rows(f"SELECT quantile_cont(value, {list(DECILES)!r}) FROM {finite}")
    places = sorted({float(str(edge)) for edge in edges}) if isinstance(edges, list) else []
    above = " + ".join([f"CASE WHEN {number} > {edge!r} THEN 1 ELSE 0 END" for edge in places] or ["0"])
    return f"CASE WHEN value IS NULL THEN 'null' WHEN isnan({number}) THEN 'nan' ELSE CAST({above} AS VARCHAR) END"


def _text_bins(rows: Rows, old: str) -> str:
    """Return the SQL of the bin of a text: one of the most frequent values, or the others; null has a bin."""
    text = "CAST(value AS VARCHAR)"
    query = f"SELECT {text}, count(*) FROM {old} WHERE value IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    frequent = [literal(str(name)) for name, _ in rows(f"{query} LIMIT {MAX_CATEGORIES}")]
    inside = f"WHEN {text} IN ({', '.join(frequent)}) THEN 'is ' || {text} " if frequent else ""
    return f"CASE WHEN value IS NULL THEN 'null' {inside}ELSE 'other' END"
