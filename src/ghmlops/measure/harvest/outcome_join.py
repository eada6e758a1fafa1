# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every path by `literal`)
"""Joins outcomes that came later with the requests of the log, and says of every row what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.daily import DayRow
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.policy.production.harvest import Outcomes
    from ghmlops.measure.harvest.log_table import LogTable

READERS = {
    ".parquet": "read_parquet({file})",
    ".csv": "read_csv({file}, header = true, auto_detect = true)",
    ".jsonl": "read_json({file}, format = 'newline_delimited')",
}
STATES = (
    *("unreadable", "duplicate", "contradicting", "orphan", "early", "censored", "immature", "late", "unlabelled"),
    "matched",
)
"""What becomes of an outcome, in the order in which it is tested: the first that applies."""
_DAY = 86_400


class Join(NamedTuple):
    """The outcomes by what became of them, the requests that are old enough for a label, and the days."""

    states: Mapping[str, int]
    mature_requests: int
    days: list[DayRow]


def check_file(root: Path, name: str) -> Path:
    """Return the file of the outcomes.

    Raises:
        DataError: It does not exist, or is a link out of the folder.
    """
    path = root / name
    if not path.is_file():
        raise DataError(f"harvest: {name}: no such file", hint="name the outcomes in `outcomes.file`")
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError("harvest: the file of the outcomes is a link out of the folder", hint="copy the file")
    return path


def join_outcomes(table: LogTable, file: str, outcomes: Outcomes, now: float) -> Join:
    """Join the outcomes with the requests.

    Args:
        table: the requests.
        file: the outcomes, as a file that the connection can read.
        outcomes: section of the policy.
        now: time in seconds since the epoch.

    Raises:
        DataError: The file cannot be read, or lacks a column.
    """
    ending = next(ending for ending in READERS if outcomes.file.endswith(ending))
    source = READERS[ending].format(file=literal(file))
    columns = {str(name) for name, *_ in table.rows(f"DESCRIBE SELECT * FROM {source}")}
    for column in filter(None, (outcomes.key, outcomes.label, outcomes.censored, outcomes.time)):
        if column not in columns:
            raise DataError(
                f"harvest: {outcomes.file} has no column `{column}`", hint="correct the names in `outcomes`"
            )
    censored = (
        f"coalesce(TRY_CAST({identifier(outcomes.censored)} AS BOOLEAN), false)" if outcomes.censored else "false"
    )
    at = f"epoch(TRY_CAST({identifier(outcomes.time)} AS TIMESTAMPTZ))" if outcomes.time else "NULL::DOUBLE"
    # A label that is true, 1 or 1.0 is the same label.
    label = f"CAST({identifier(outcomes.label)} AS VARCHAR)"
    label = f"coalesce(CAST(TRY_CAST(TRY_CAST({label} AS BOOLEAN) AS INTEGER) AS VARCHAR), {label})"
    table.rows(
        f"CREATE TEMP TABLE outcomes AS SELECT CAST({identifier(outcomes.key)} AS VARCHAR) AS id, {label} AS label, "
        f"{censored} AS censored, {at} AS moment FROM {source}"
    )
    mature = now - outcomes.mature
    table.rows(
        "CREATE TEMP TABLE joined AS WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY id, label, censored "
        "ORDER BY moment NULLS LAST) AS copy FROM outcomes), contents AS (SELECT id, count(DISTINCT label) AS labels "
        "FROM outcomes GROUP BY id) SELECT CASE WHEN o.id IS NULL OR o.id = '' THEN 'unreadable' WHEN copy > 1 THEN "
        "'duplicate' "
        "WHEN labels > 1 THEN 'contradicting' WHEN r.id IS NULL THEN 'orphan' WHEN moment < r.seconds THEN 'early' "
        f"WHEN o.censored THEN 'censored' WHEN r.seconds > {mature!r} THEN 'immature' "
        f"WHEN moment > r.seconds + {outcomes.mature!r} THEN 'late' WHEN o.label IS NULL THEN 'unlabelled' ELSE "
        "'matched' END AS state, o.label, r.seconds, r.score, r.key FROM ranked o LEFT JOIN contents c ON c.id = o.id "
        "LEFT JOIN requests r ON r.id = o.id"
    )
    counts = {str(state): int(str(n)) for state, n in table.rows("SELECT state, count(*) FROM joined GROUP BY state")}
    ((requests,),) = table.rows(f"SELECT count(*) FROM requests WHERE seconds <= {mature!r}")
    return Join({state: counts.get(state, 0) for state in STATES}, int(str(requests)), _days(table, mature))


def _days(table: LogTable, mature: float) -> list[DayRow]:
    """Return the days (UTC) whose last request is old enough, with the area under the ROC curve of labels 0 and 1."""
    day = f"CAST(floor(seconds / {_DAY}) AS BIGINT)"
    rows = table.rows(
        f"WITH labels AS (SELECT {day} AS day, score, label IN ('1', '1.0') AS positive FROM joined WHERE state = "
        "'matched' AND label IN ('0', '0.0', '1', '1.0') AND isfinite(score)), "
        "ranks AS (SELECT day, positive, rank() OVER (PARTITION BY day ORDER BY score) + (count(*) OVER (PARTITION BY "
        "day, score) - 1) / 2.0 AS place FROM labels), areas AS (SELECT day, count(*) FILTER (positive)::DOUBLE AS p, "
        "count(*) FILTER (NOT positive)::DOUBLE AS n, sum(place) FILTER (positive) AS places FROM ranks GROUP BY day), "
        f"served AS (SELECT {day} AS day, count(*) AS requests FROM requests GROUP BY 1), "
        f"labelled AS (SELECT {day} AS day, count(*) AS outcomes FROM joined WHERE state = 'matched' GROUP BY 1) "
        "SELECT day, requests, coalesce(outcomes, 0), coalesce(p, 0), coalesce(n, 0), "
        "CASE WHEN p > 0 AND n > 0 THEN (places - p * (p + 1) / 2) / (p * n) END FROM served LEFT JOIN labelled "
        f"USING (day) LEFT JOIN areas USING (day) WHERE (day + 1) * {_DAY} <= {mature!r} ORDER BY day"
    )
    return [
        DayRow(int(str(d)), int(str(r)), int(str(o)), int(float(str(p))), int(float(str(n))), _optional(auc))
        for d, r, o, p, n, auc in rows
    ]


def _optional(value: object) -> float | None:
    return None if value is None else float(str(value))
