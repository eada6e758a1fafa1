# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every path by `literal`)
"""Joins outcomes that came later with the requests of the log, and says of every row what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.daily import DayRow
from ghmlops.measure.harvest.log_table import seconds_sql
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.policy.production.harvest import Outcomes
    from ghmlops.measure.harvest.log_table import LogTable

READERS = {
    ".parquet": "read_parquet({file})",
    ".csv": "read_csv({file}, header = true, auto_detect = true{types})",
    ".jsonl": "read_json({file}, format = 'newline_delimited'{types})",
}
_TYPES = {".parquet": "", ".csv": ", types = {columns}", ".jsonl": ", columns = {columns}"}
_BINARY = "('true', 'false', '1', '0', '1.0', '0.0')"
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
        DataError: The file cannot be read, lacks a column, or has a value that is no time or no boolean.
    """
    _load(table, file, outcomes)
    # The digits of a UUID may be written in capitals.
    ((uuids,),) = table.rows("SELECT bool_and(TRY_CAST(id AS UUID) IS NOT NULL) FROM outcomes")
    same = "lower(r.id) = lower(o.id)" if uuids else "r.id = o.id"
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
        f"LEFT JOIN requests r ON {same}"
    )
    counts = {str(state): int(str(n)) for state, n in table.rows("SELECT state, count(*) FROM joined GROUP BY state")}
    ((requests,),) = table.rows(f"SELECT count(*) FROM requests WHERE seconds <= {mature!r}")
    return Join({state: counts.get(state, 0) for state in STATES}, int(str(requests)), _days(table, mature))


def _load(table: LogTable, file: str, outcomes: Outcomes) -> None:
    """Read the file into the table `outcomes`.

    Raises:
        DataError: The file lacks a column, or a value is no time or no boolean.
    """
    ending = next(ending for ending in READERS if outcomes.file.endswith(ending))
    source = READERS[ending].format(file=literal(file), types="")
    kinds = {str(name): str(kind) for name, kind, *_ in table.rows(f"DESCRIBE SELECT * FROM {source}")}
    names = [name for name in (outcomes.key, outcomes.label, outcomes.censored, outcomes.time) if name]
    for column in names:
        if column not in kinds:
            raise DataError(
                f"harvest: {outcomes.file} has no column `{column}`", hint="correct the names in `outcomes`"
            )
    # As they are written: the engine would take `007` for a number, and day and month of a time for each other.
    written = {name: "VARCHAR" if name in (outcomes.key, outcomes.time) else kinds[name] for name in names}
    columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in written.items())
    source = READERS[ending].format(file=literal(file), types=_TYPES[ending].format(columns=f"{{{columns}}}"))
    censored = identifier(outcomes.censored) if outcomes.censored else "false"
    at = f"nullif(CAST({identifier(outcomes.time)} AS VARCHAR), '')" if outcomes.time else "NULL::VARCHAR"
    table.rows(
        f"CREATE TEMP TABLE raw_outcomes AS SELECT {key_sql(identifier(outcomes.key), kinds[outcomes.key])} AS id, "
        f"CAST({identifier(outcomes.label)} AS VARCHAR) AS label, CAST({censored} AS VARCHAR) AS blocked, "
        f"{at} AS instant FROM {source}"
    )
    table.rows(
        "CREATE TEMP TABLE outcomes AS SELECT id, CASE WHEN (SELECT bool_and(lower(label) IN "
        f"{_BINARY}) FROM raw_outcomes) THEN CAST(lower(label) IN ('true', '1', '1.0') AS INTEGER)::VARCHAR "
        "ELSE label END AS label, coalesce(TRY_CAST(blocked AS BOOLEAN), false) AS censored, "
        f"{seconds_sql('instant')} AS moment, instant IS NOT NULL AND moment IS NULL AS untimed, "
        "coalesce(blocked, '') <> '' AND TRY_CAST(blocked AS BOOLEAN) IS NULL AS unclear FROM raw_outcomes"
    )
    _check_values(table, outcomes)


def key_sql(column: str, kind: str) -> str:
    """Return the SQL of an identifier as the logs write it: a column with gaps has its whole numbers as 17.0.

    Args:
        column: quoted name of the column.
        kind: type of the column.
    """
    text = f"CAST({column} AS VARCHAR)"
    if kind not in ("DOUBLE", "FLOAT"):
        return text
    number = f"TRY_CAST({column} AS DOUBLE)"
    whole = f"{number} = trunc({number}) AND abs({number}) < {2**53}"
    return f"CASE WHEN {whole} THEN CAST(CAST({number} AS HUGEINT) AS VARCHAR) ELSE {text} END"


def _check_values(table: LogTable, outcomes: Outcomes) -> None:
    query = "SELECT count(*), count(*) FILTER (untimed), count(*) FILTER (unclear) FROM outcomes"
    ((total, *counts),) = table.rows(query)
    problems = (
        (outcomes.time, "readable time", "write them as ISO 8601, or as numbers since 1970 (s, ms, us, ns)"),
        (outcomes.censored, "boolean", "write true or false"),
    )
    for count, (column, what, hint) in zip(counts, problems, strict=True):
        if int(str(count)):
            raise DataError(
                f"harvest: {outcomes.file}: {int(str(count)):,} of {int(str(total)):,} rows have no {what} in "
                f"`{column}`",
                hint=hint,
            )


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
