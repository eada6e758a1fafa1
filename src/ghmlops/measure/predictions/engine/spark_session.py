"""A session over PySpark: runs the same SQL in one process or on a cluster.

Import it through `engines.start_engine`, which reports how to install PySpark if it is missing.

On a cluster every worker reads the artifacts itself, at the same paths as this machine: they must be on a file system
that all machines share, and so must `TMPDIR` if artifacts are downloaded. This machine checks the footers first.
"""

from __future__ import annotations

import contextlib
import logging
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyspark
from py4j.protocol import Py4JError  # type: ignore[import-untyped]
from pyspark import StorageLevel
from pyspark.errors import AnalysisException, PySparkException

from ghmlops.core.errors import DataError, InputError
from ghmlops.measure.predictions.engine.open import open_session
from ghmlops.measure.predictions.engine.session import Session
from ghmlops.measure.predictions.engine.spark_dialect import SparkDialect
from ghmlops.measure.predictions.engine.spark_start import root_cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from ghmlops.measure.predictions.artifacts.page_checksums import ColumnChunk
    from ghmlops.measure.predictions.artifacts.source import Source

ROWS_PER_TASK = 250_000
"""Rows of both sides for which one task of a shuffle is planned."""
MIN_TASKS, MAX_TASKS = 2, 4000
_PATTERN = re.compile(r"([{}\[\]*?\\])")
_IGNORED_NAMES = re.compile(r"\.|_(?!.*=)")
"""Names of files that Spark silently ignores."""
_MICROSECONDS = "timestamp_micros(({name} - pmod({name}, 1000)) div 1000)"
_CONVERSIONS = {"TIMESTAMP_NS": f"CAST({_MICROSECONDS} AS TIMESTAMP)", "TIMESTAMPTZ_NS": _MICROSECONDS}
"""DuckDB types of times that Spark reads as integers, and the SQL that restores the time."""
_OTHER_ENGINE = "use `--engine duckdb`"
_VALUE_ERRORS = ("DIVIDE_BY_ZERO", "ARITHMETIC_OVERFLOW", "CAST_OVERFLOW", "CAST_INVALID_INPUT")
"""Spark's error conditions that a value of an artifact causes."""


class SparkArtifactSession(Session):
    """Queries over the artifacts. In SQL each artifact is a view `files_<role>`.

    DuckDB only converts Spark's results into NumPy columns.
    """

    dialect = SparkDialect()
    name = f"spark-{'.'.join(pyspark.__version__.split('.')[:2])}"
    bounds_results = False
    """A join whose result explodes would first fill the disks of the cluster: repeated keys are excluded before."""
    _engine_errors = (PySparkException, Py4JError)

    def __init__(self, spark: SparkSession, sources: Mapping[str, Source], local: Session) -> None:
        super().__init__(duckdb.connect(":memory:"), _any_folder(sources), sources)
        self._run(lambda: self._connection.execute("SET TimeZone = 'UTC'"))
        self._local = local
        self._sources = local.sources
        self._types = {role: local.types(role) for role in local.roles}
        rows = sum(local.count(role) for role in local.roles)
        self._cached: dict[str, DataFrame] = {}
        self._spark = self._run(lambda: _new_session(spark, rows))

    def files(self, role: str) -> list[str]:
        """Return the URIs of the artifact's files in Spark's spelling."""
        return [_uri(file) for file in self._sources[role].files]

    def table(self, role: str, options: str = "") -> str:  # noqa: ARG002  (options of DuckDB)
        """Return the name of the view of an artifact."""
        return f"files_{role}"

    def types(self, role: str) -> dict[str, str]:
        """Return the DuckDB type of each column, in the order of the artifact."""
        return dict(self._types[role])

    def count(self, role: str) -> int:
        """Return the number of rows of an artifact, from its footers."""
        return self._local.count(role)

    def lists_chunks(self, role: str) -> bool:
        """Return whether the column chunks of an artifact can be listed."""
        return self._local.lists_chunks(role)

    def column_chunks(self, role: str) -> list[list[ColumnChunk]]:
        """Return the column chunks of each file of an artifact; this machine checks their pages."""
        return self._local.column_chunks(role)

    def partition_differences(self, role: str) -> dict[str, tuple[int, int]]:
        """Return, by key of a hidden partition, how many rows have another value than their folder, and all rows."""
        return self._local.partition_differences(role)

    def open(self, role: str) -> None:
        """Create the view of an artifact.

        Raises:
            DataError: Spark cannot read a file with its name, or a column with its name or type.
        """
        source, types = self._sources[role], self._types[role]
        if aside := self._local.columns_set_aside(role):
            raise DataError(next(iter(aside.values())), hint=_OTHER_ENGINE)
        if source.hidden_keys and source.partition_keys:
            raise DataError(
                f"{source.display_name}: Spark cannot read only some of the partitions from the names of folders",
                hint=_OTHER_ENGINE,
            )
        for file in source.files:
            if _IGNORED_NAMES.match(file.name):
                raise DataError(
                    f"{source.file_display_name(file)}: Spark ignores files whose names begin with `_` or `.`",
                    hint=_OTHER_ENGINE,
                )
        if column := next((name for name in types if "\\" in name), None):
            raise DataError(
                f'{source.display_name}: Spark\'s SQL cannot name the column "{column}"', hint=_OTHER_ENGINE
            )
        self._run(lambda: self._create_view(role))

    def _create_view(self, role: str) -> None:
        source, types = self._sources[role], self._types[role]
        reader = self._spark.read
        if source.hive_root is not None and not source.hidden_keys:
            reader = reader.option("basePath", _uri(source.hive_root))
        try:
            frame = reader.parquet(*self.files(role))
        except AnalysisException as error:
            raise DataError(
                f"{source.display_name}: Spark cannot read it: {root_cause(error)}", hint=_OTHER_ENGINE
            ) from None
        if sorted(frame.columns) != sorted(types):
            column = next(iter(sorted(set(frame.columns) ^ set(types))), "")
            raise DataError(
                f'{source.display_name}: Spark has another name for the column "{column}"', hint=_OTHER_ENGINE
            )
        columns = [_column_sql(name, duckdb_type) for name, duckdb_type in types.items()]
        frame.selectExpr(*columns).createOrReplaceTempView(self.table(role))

    def view(self, name: str, sql: str) -> None:
        """Create a view of a query. Raises as `rows`."""
        self._run(lambda: self._spark.sql(sql).createOrReplaceTempView(name))

    def store(self, name: str, sql: str) -> None:
        """Cache the result of a query under a name, from its first use on. Raises as `rows`."""

        def cache() -> None:
            previous = self._cached.pop(name, None)
            self._cached[name] = self._spark.sql(sql).persist(StorageLevel.MEMORY_AND_DISK)
            self._cached[name].createOrReplaceTempView(name)
            if previous is not None:
                previous.unpersist()

        self._run(cache)

    def load(self, name: str, columns: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray]) -> None:
        """Store NumPy columns of one length under a name; `codes` contain the bits of hashes. Raises as `rows`."""
        table = pa.table({**columns, **{key: bits.view(np.int64) for key, bits in codes.items()}})
        self._run(lambda: self._spark.createDataFrame(table).createOrReplaceTempView(name))

    def drop(self, name: str) -> None:
        """Drop a result that `store` cached."""

        def unpersist() -> None:
            self._spark.catalog.dropTempView(name)
            if (previous := self._cached.pop(name, None)) is not None:
                previous.unpersist()

        self._run(unpersist)

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query with bound `values` and return its rows.

        Raises:
            DataError: an artifact cannot be read.
            InputError: the memory limit is too small.
        """
        table = self._run(lambda: self._query(sql, values))
        return list(zip(*([_plain(v) for v in column.to_pylist()] for column in table.columns), strict=True))

    def row(self, sql: str, values: list[Any] | None = None) -> dict[str, Any]:
        """Run a query that returns one row, and return it by column name. Raises as `rows`."""
        table = self._run(lambda: self._query(sql, values))
        if table.num_rows != 1:
            raise ValueError(f"the query returned {table.num_rows} rows")
        return {name: _plain(table.column(index)[0].as_py()) for index, name in enumerate(table.column_names)}

    def columns(self, sql: str, values: list[Any] | None = None) -> dict[str, np.ndarray]:
        """Run a query and return NumPy columns by name. Raises as `rows`."""
        return self._run(lambda: _to_numpy(self._connection, self._query(sql, values)))

    def query_error(self, sql: str) -> str:
        """Return why Spark rejects a query, without running it; empty if the query is valid."""

        def analyse() -> str:
            try:
                self._spark.sql(sql)
            except AnalysisException as error:
                return root_cause(error)
            return ""

        return self._run(analyse)

    def _query(self, sql: str, values: list[Any] | None) -> pa.Table:
        return self._spark.sql(sql, args=values or None).toArrow()

    def _user_error(self, error: Exception) -> Exception:
        """Return the error to report for Spark's error; an error that only a bug can cause stays unchanged."""
        text = root_cause(error)
        for role, source in self._sources.items():
            for uri, file in zip(self.files(role), source.files, strict=True):
                name = source.file_display_name(file)
                text = text.replace(uri, name).replace(str(file), name)
        if "SparkContext" in text:
            return InputError(
                f"Spark stopped before the query finished: {text}", hint="check the log of `spark-master`"
            )
        if "OutOfMemoryError" in str(error):
            return InputError("the prediction diff ran out of memory", hint="raise --memory-limit")
        if isinstance(error, AnalysisException):
            # A new error, because Spark's own error can be printed only while Java runs.
            return ValueError(f"Spark rejected a query: {text}")
        if getattr(error, "getCondition", lambda: None)() in _VALUE_ERRORS:
            return DataError(f"a value cannot be used: {text}", hint="check the artifacts, and `metrics` in the policy")
        return DataError(f"a prediction artifact cannot be read: {text}", hint="write or download it again")

    def _interrupt(self) -> None:
        with contextlib.suppress(Py4JError):  # Java may have ended already
            self._spark.sparkContext.cancelAllJobs()

    def release(self) -> None:
        """Drop everything that `store` cached: other sessions of the same Spark share its storage."""
        for name in list(self._cached):
            self.drop(name)


@contextlib.contextmanager
def open_spark(spark: SparkSession, sources: Mapping[str, Source], memory: int) -> Iterator[SparkArtifactSession]:
    """Open the artifacts by role in a running Spark. `memory` is the limit for reading footers, in bytes.

    Raises:
        DataError: as `open_session`; Spark cannot read a column or a file that DuckDB can.
        InputError: the memory limit is too small.
    """
    # Spark would log each error in addition to the exception.
    for logger in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    with open_session(sources, memory) as local:
        session = SparkArtifactSession(spark, sources, local)
        try:
            for role in session.roles:
                session.open(role)
            yield session
            session.release()
        finally:
            session.close()


def _new_session(spark: SparkSession, rows: int) -> SparkSession:
    session = spark.newSession()
    session.conf.set("spark.sql.shuffle.partitions", min(max(rows // ROWS_PER_TASK, MIN_TASKS), MAX_TASKS))
    return session


def _any_folder(sources: Mapping[str, Source]) -> Path:
    return next(iter(sources.values())).files[0].parent


def _uri(path: Path) -> str:
    """Return a path in Hadoop's spelling: without percent encoding, but with characters of a pattern escaped."""
    return "file://" + _PATTERN.sub(r"\\\1", str(path.resolve()))


def _column_sql(name: str, duckdb_type: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{_CONVERSIONS[duckdb_type].format(name=quoted)} AS {quoted}" if duckdb_type in _CONVERSIONS else quoted


def _to_numpy(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> dict[str, np.ndarray]:
    connection.register("result", table)
    try:
        return connection.execute("SELECT * FROM result").fetchnumpy()
    finally:
        connection.unregister("result")


def _plain(value: object) -> object:
    """Return an int for an integer that Spark represents as a decimal; other values unchanged."""
    return int(value) if isinstance(value, Decimal) and value.as_tuple().exponent == 0 else value
