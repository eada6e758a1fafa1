# ruff: noqa: S608  (every name in the SQL is ours, every text is quoted by `literal`)
"""Sets aside what may not be sampled, and reads the candidates of the sample from the private table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.harvest.sample import UNLIMITED, Pool
from ghmlops.measure.harvest.log_table import field_column, fields_sql
from ghmlops.measure.predictions.engine.dialect import literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.measure.harvest.log_table import LogTable

MAX_VALUES = 1_000
"""Values of a slice column that are slices, the most frequent first."""
_SCALARS = "('VARCHAR', 'BOOLEAN', 'UBIGINT', 'BIGINT', 'DOUBLE')"
"""Types of JSON whose values are slices."""
SPARE = 1.1, 50
"""Candidates per row of the sample, as factor and addend, since some are dropped for what they contain."""


class Repeated(NamedTuple):
    """Identifiers of several lines.

    Attributes:
        copies: lines that repeat another one exactly; one of them counts.
        conflicting: lines whose identifier has another content, too; none of them counts.
    """

    copies: int
    conflicting: int


class Loud(NamedTuple):
    """A client with more than its share of the requests; `first` is the time of its first request in seconds."""

    rows: int
    first: float


class Candidates(NamedTuple):
    """The candidates of the sample.

    Attributes:
        pool: keys, slice values and limits of the pool.
        identifiers: identifier of each request.
        clients: client of each request; empty texts without one.
        fields: JSON of each field for each request, `None` if the request does not have it.
        values: values of each slice column, in the order of their codes.
        slice_rows: number of requests of each value.
        omitted: number of values of each slice column that are no slices, since others are more frequent.
    """

    pool: Pool
    identifiers: list[str]
    clients: list[str]
    fields: list[list[str | None]]
    values: list[list[str]]
    slice_rows: list[list[int]]
    omitted: list[int]


def set_aside(table: LogTable, now: float) -> Repeated:
    """Restrict the table to one line per identifier and to the past; lines that contradict each other are left out.

    Raises:
        DataError: The private table cannot be read.
    """
    usable = f"SELECT * FROM {table.source} WHERE problem IS NULL AND seconds <= {now!r}"
    table.rows(
        "CREATE TEMP TABLE repeated AS SELECT key, count(*) AS n, count(DISTINCT line) AS contents "
        f"FROM {table.source} WHERE key IN (SELECT key FROM ({usable}) GROUP BY key HAVING count(*) > 1) "
        f"AND problem IS NULL AND seconds <= {now!r} GROUP BY key"
    )
    ((copies, conflicting),) = table.rows(
        "SELECT coalesce(sum(n - 1) FILTER (contents = 1), 0), coalesce(sum(n) FILTER (contents > 1), 0) FROM repeated"
    )
    single = f"SELECT * FROM ({usable}) WHERE key NOT IN (SELECT key FROM repeated)"
    once = f"SELECT DISTINCT ON (key) * FROM ({usable}) WHERE key IN (SELECT key FROM repeated WHERE contents = 1)"
    table.rows(f"CREATE TEMP VIEW requests AS {single} UNION ALL {once}")
    # Demand counts every request that was served, those with a conflicting identifier included.
    conflicts = f"SELECT seconds FROM ({usable}) WHERE key IN (SELECT key FROM repeated WHERE contents > 1)"
    table.rows(f"CREATE TEMP VIEW arrivals AS SELECT seconds FROM requests UNION ALL {conflicts}")
    return Repeated(int(str(copies)), int(str(conflicting)))


def silence_loud_clients(table: LogTable, share: float) -> list[Loud]:
    """Exclude clients with more than a share of all requests from the sample, and return them.

    Raises:
        DataError: The private table cannot be read.
    """
    # Numbers are grouped in a fraction of the memory of names; the few numbers that are left are grouped by name.
    least = f"{share!r} * (SELECT count(*) FROM requests)"
    frequent = f"SELECT hash(client) FROM requests GROUP BY 1 HAVING count(*) > {least}"
    table.rows(
        "CREATE TEMP TABLE loud AS SELECT client, count(*) AS n, min(seconds) AS first FROM requests "
        f"WHERE client IS NOT NULL AND hash(client) IN ({frequent}) GROUP BY client HAVING n > {least}"
    )
    table.rows(
        "CREATE TEMP VIEW population AS SELECT * FROM requests "
        "WHERE client IS NULL OR client NOT IN (SELECT client FROM loud)"
    )
    return [Loud(int(str(n)), float(str(t))) for n, t in table.rows("SELECT n, first FROM loud ORDER BY n DESC, first")]


def read_candidates(table: LogTable, slices: list[int], *, rows: int, rare: int) -> Candidates:
    """Read the requests with the smallest keys: over all slices, and of each slice value.

    Args:
        table: the requests.
        slices: for each slice column, its index in the fields.
        rows: size of the sample over all slices.
        rare: size of the sample of each slice value.

    Raises:
        DataError: The private table cannot be read.
    """
    factor, addend = SPARE
    limit = _limit(table, round(rows * factor) + addend)
    values, slice_rows, limits, omitted = [], [], [], []
    for index in slices:
        value = field_column(index)
        count = round(rare * factor) + addend
        frequent = f"SELECT {value} FROM population GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {MAX_VALUES}"
        listed = table.rows(
            f"SELECT {value} AS value, count(*) AS n, min(key, {count + 1}) AS keys FROM population "
            f"WHERE json_type(value) IN {_SCALARS} AND value IN ({frequent}) "
            "GROUP BY value ORDER BY n DESC, value"
        )
        # Values that are no slices, as null, may be among the most frequent.
        complete = len(listed) < MAX_VALUES // 2
        omitted.append(0 if complete else _count_values(table, value) - len(listed))
        values.append([str(v) for v, _, _ in listed])
        slice_rows.append([int(str(n)) for _, n, _ in listed])
        limits.append([_last(keys, count) for _, _, keys in listed])
    codes, identity = _select(table, slices, values, limits, limit)
    keys, identifiers, clients, fields = identity
    pool = Pool(keys=keys, codes=codes, limit=limit, slice_limits=limits)
    return Candidates(pool, identifiers, clients, fields, values, slice_rows, omitted)


def _count_values(table: LogTable, column: str) -> int:
    distinct = f"SELECT {column} AS value FROM population WHERE json_type(value) IN {_SCALARS} GROUP BY 1"
    ((count,),) = table.rows(f"SELECT count(*) FROM ({distinct})")
    return int(str(count))


def _last(keys: object, count: int) -> int:
    """Return the key after the first `count`; unlimited if there are no more."""
    smallest = keys if isinstance(keys, list) else []
    return int(smallest[count]) if len(smallest) > count else UNLIMITED


def _limit(table: LogTable, count: int) -> int:
    rows = table.rows(f"SELECT key FROM population ORDER BY key LIMIT 1 OFFSET {count}")
    return int(str(rows[0][0])) if rows else UNLIMITED


_Identity = tuple["NDArray[np.uint64]", list[str], list[str], list[list[str | None]]]


def _select(
    table: LogTable, slices: list[int], values: list[list[str]], limits: list[list[int]], limit: int
) -> tuple[NDArray[np.int64], _Identity]:
    table.rows("CREATE TEMP TABLE bounds (slice INTEGER, value VARCHAR, code INTEGER, bound UBIGINT)")
    joins, columns, conditions = "", "", f"key <= {limit}::UBIGINT" if limit == UNLIMITED else f"key < {limit}::UBIGINT"
    for number, index in enumerate(slices):
        bounds = zip(values[number], limits[number], strict=True)
        listed = [f"({number}, {literal(v)}, {code}, {bound}::UBIGINT)" for code, (v, bound) in enumerate(bounds)]
        if listed:
            table.rows(f"INSERT INTO bounds VALUES {', '.join(listed)}")
        joins += (
            f" LEFT JOIN bounds b{number} ON b{number}.slice = {number} AND b{number}.value = {field_column(index)}"
        )
        columns += f", coalesce(b{number}.code, -1)"
        conditions += f" OR key <= b{number}.bound"
    # Not sorted by the engine: the rows are few, and their fields long.
    rows = table.rows(
        f"SELECT key, id, coalesce(client, ''), {fields_sql(table.field_count)}{columns} FROM population p{joins} "
        f"WHERE {conditions}"
    )
    rows.sort(key=lambda row: int(str(row[0])))
    codes = np.array([row[4:] for row in rows], np.int64).reshape(len(rows), len(slices)).T
    keys = np.array([row[0] for row in rows], np.uint64)
    fields = [[None if f is None else str(f) for f in (row[3] if isinstance(row[3], list) else [])] for row in rows]
    return codes, (keys, [str(row[1]) for row in rows], [str(row[2]) for row in rows], fields)
