# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every path by `literal`)
"""Finds the requests of the logs to which two models gave different answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError
from ghmlops.core.harvest.golden import Disagreements
from ghmlops.measure.harvest.golden_table import field_sql
from ghmlops.measure.harvest.outcome_join import key_sql
from ghmlops.measure.predictions.engine.dialect import identifier, literal

if TYPE_CHECKING:
    from ghmlops.core.policy.production import harvest as policy
    from ghmlops.measure.harvest.log_table import LogTable

ROW = "request"
"""Key of the answers of `shadow`: the number of the row in the recording, from 1."""
ARMS = ("baseline", "candidate")
_HINT = "correct the names in `golden.disagreements`"


def join_answers(table: LogTable, answers: policy.Disagreements) -> Disagreements:
    """Join the answers with the requests, as the table `disagreements` (`state`, `key`, `distance`), and count them.

    The distance of two numbers is their absolute difference, that of other values that differ is infinite.

    Args:
        table: the requests, joined with their outcomes, and the files `baseline`, `candidate` and `recording`.
        answers: section of the policy.

    Raises:
        DataError: A file cannot be read, or lacks a column.
    """
    if answers.recording:
        file = table.others["recording"]
        key = key_sql(identifier(answers.key), _columns(table, file, answers.recording, answers.key)[answers.key])
        source = f"read_parquet({literal(file)}, file_row_number = true)"
        table.rows(f"CREATE TEMP TABLE recording AS SELECT file_row_number + 1 AS row, {key} AS id FROM {source}")
    names = answers.baseline, answers.candidate
    unreadable = sum(_load(table, arm, name, answers) for arm, name in zip(ARMS, names, strict=True))
    # The digits of a UUID may be written in capitals.
    uuids = " AND ".join(
        f"(SELECT bool_and(id IS NULL OR TRY_CAST(id AS UUID) IS NOT NULL) FROM all_{arm})" for arm in ARMS
    )
    ((lower,),) = table.rows(f"SELECT {uuids}")
    name, same = ("lower(id)", "lower(r.id) = a.id") if lower else ("id", "r.id = a.id")
    for arm in ARMS:
        table.rows(
            f"CREATE TEMP TABLE {arm} AS SELECT {name} AS id, min(value) AS value, "
            f"count(DISTINCT coalesce(value, '')) AS n FROM all_{arm} WHERE id IS NOT NULL GROUP BY 1"
        )
    table.rows(
        "CREATE TEMP TABLE disagreements AS WITH answers AS (SELECT coalesce(b.id, c.id) AS id, b.value AS base, "
        "c.value AS other, abs(TRY_CAST(b.value AS DOUBLE) - TRY_CAST(c.value AS DOUBLE)) AS difference, "
        "greatest(coalesce(b.n, 0), coalesce(c.n, 0)) AS n, b.id IS NULL OR c.id IS NULL AS unpaired "
        "FROM baseline b FULL JOIN candidate c ON b.id = c.id) "
        "SELECT CASE WHEN a.n > 1 THEN 'contradicting' WHEN unpaired THEN 'unpaired' WHEN r.id IS NULL THEN 'orphan' "
        f"WHEN base IS NOT DISTINCT FROM other OR coalesce(difference <= {answers.tolerance!r}, false) THEN 'equal' "
        "ELSE 'different' END AS state, r.key, coalesce(difference, 'infinity'::DOUBLE) AS distance "
        f"FROM answers a LEFT JOIN requests r ON {same}"
    )
    counts = {
        str(state): int(str(n)) for state, n in table.rows("SELECT state, count(*) FROM disagreements GROUP BY 1")
    }
    ((usable,),) = table.rows(
        "SELECT count(*) FROM disagreements d JOIN joined j ON j.key = d.key "
        "WHERE d.state = 'different' AND j.state = 'matched'"
    )
    return Disagreements(
        contradicting=counts.get("contradicting", 0),
        unpaired=counts.get("unpaired", 0),
        orphans=counts.get("orphan", 0),
        equal=counts.get("equal", 0),
        different=counts.get("different", 0),
        usable=int(str(usable)),
        unreadable=unreadable,
    )


def _columns(table: LogTable, file: str, name: str, key: str) -> dict[str, str]:
    """Return the types of the columns of a file by their names.

    Raises:
        DataError: The column of the identifier is missing.
    """
    kinds = {str(c): str(k) for c, k, *_ in table.rows(f"DESCRIBE SELECT * FROM read_parquet({literal(file)})")}
    if key not in kinds:
        raise DataError(f"harvest: {name} has no column `{key}`", hint=_HINT)
    return kinds


def _load(table: LogTable, arm: str, name: str, answers: policy.Disagreements) -> int:
    """Read the answers of an arm into a table of its own, and return the number of rows without an identifier.

    Raises:
        DataError: The file lacks a column, or no row has a value.
    """
    file = table.others[arm]
    key = ROW if answers.recording else answers.key
    kinds = _columns(table, file, name, key)
    value = field_sql(answers.value, list(kinds))
    if not value:
        raise DataError(f"harvest: {name} has no column `{answers.value}`", hint=_HINT)
    source = f"SELECT {key_sql(identifier(key), kinds[key])} AS id, {value} AS value FROM read_parquet({literal(file)})"
    if answers.recording:
        source = f"SELECT r.id, s.value FROM ({source}) s LEFT JOIN recording r ON TRY_CAST(s.id AS BIGINT) = r.row"
    table.rows(
        f"CREATE TEMP TABLE all_{arm} AS SELECT nullif(id, '') AS id, {_plain('value')} AS value FROM ({source})"
    )
    ((rows, values, unreadable),) = table.rows(
        f"SELECT count(*), count(value), count(*) FILTER (id IS NULL) FROM all_{arm}"
    )
    if rows and not values:
        raise DataError(f"harvest: no row of {name} has a `{answers.value}`", hint=_HINT)
    return int(str(unreadable))


def _plain(value: str) -> str:
    """Return the SQL of a JSON value, null for what stands for a missing one."""
    return f"CASE WHEN lower({value}) NOT IN ('null', 'nan', '\"nan\"') THEN {value} END"
