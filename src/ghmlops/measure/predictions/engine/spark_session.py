"""The session over PySpark: the same SQL, in one process or on a cluster.

Import it through `engines.ready`, which says what to do where PySpark is missing.

On a cluster every worker reads the artifacts itself, at the paths that they have here: they must lie on a file system
that all share, and so must `TMPDIR` where artifacts are fetched from elsewhere. Footers are checked here, before.
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
from ghmlops.measure.predictions.engine.spark_start import cause

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from ghmlops.measure.predictions.artifacts.page_checksums import Chunk
    from ghmlops.measure.predictions.artifacts.source import Source

ROWS_A_TASK = 250_000
"""Rows of both sides for which a task of a shuffle is planned."""
LEAST_TASKS, MOST_TASKS = 2, 4000
_PATTERN = re.compile(r"([{}\[\]*?\\])")
_PASSED_OVER = re.compile(r"\.|_(?!.*=)")
"""Names of files that Spark silently leaves out."""
_NANOSECONDS = "timestamp_micros(({name} - pmod({name}, 1000)) div 1000)"
_CONVERTED = {"TIMESTAMP_NS": f"CAST({_NANOSECONDS} AS TIMESTAMP)", "TIMESTAMPTZ_NS": _NANOSECONDS}
"""What Spark reads as whole numbers, as the times that they are."""


class SparkReading(Session):
    """Queries over the artifacts, each a view `files_<role>`. DuckDB only turns Spark's answers into NumPy columns."""

    dialect = SparkDialect()
    name = f"spark-{'.'.join(pyspark.__version__.split('.')[:2])}"
    bounded = False
    """A join that explodes fills the disks of the cluster first: repeated keys are found before."""
    _failures = (PySparkException, Py4JError)

    def __init__(self, spark: SparkSession, sources: Mapping[str, Source], checked: Session) -> None:
        super().__init__(duckdb.connect(":memory:"), _folder(sources), sources)
        self._run(lambda: self._connection.execute("SET TimeZone = 'UTC'"))
        self._checked = checked
        self._types = {role: checked.types(role) for role in checked.roles}
        rows = sum(checked.count(role) for role in checked.roles)
        self._kept: dict[str, DataFrame] = {}
        self._spark = self._run(lambda: _session(spark, rows))

    def files(self, role: str) -> list[str]:
        """Return the paths of the artifact's files as Spark takes them."""
        return [_uri(file) for file in self._sources[role].files]

    def table(self, role: str) -> str:
        """Return the name of the view of an artifact."""
        return f"files_{role}"

    def types(self, role: str) -> dict[str, str]:
        """Return column to DuckDB type, in the order of the artifact."""
        return dict(self._types[role])

    def count(self, role: str) -> int:
        """Return how many rows an artifact holds, as its footers say."""
        return self._checked.count(role)

    def chunks(self, role: str) -> list[list[Chunk]]:
        """Return where each file of an artifact has the pages of a column, which are checked here."""
        return self._checked.chunks(role)

    def open(self, role: str) -> None:
        """Create the view of an artifact.

        Raises:
            DataError: Spark cannot read a file of that name, or a column of that name or type.
        """
        source, wanted = self._sources[role], self._types[role]
        for file in source.files:
            if _PASSED_OVER.match(file.name):
                raise DataError(
                    f"{source.names(file)}: Spark passes over files whose names begin with `_` or `.`", hint=_OTHER
                )
        if odd := next((column for column in wanted if "\\" in column), None):
            raise DataError(f'{source.shown}: Spark\'s SQL cannot name the column "{odd}"', hint=_OTHER)
        self._run(lambda: self._open(role))

    def _open(self, role: str) -> None:
        source, wanted = self._sources[role], self._types[role]
        reader = self._spark.read
        if source.hive_root is not None:
            reader = reader.option("basePath", _uri(source.hive_root))
        try:
            frame = reader.parquet(*self.files(role))
        except AnalysisException as error:
            raise DataError(f"{source.shown}: Spark cannot read it: {cause(error)}", hint=_OTHER) from None
        if sorted(frame.columns) != sorted(wanted):
            odd = sorted(set(frame.columns) ^ set(wanted))
            raise DataError(f'{source.shown}: Spark has another name for the column "{(odd or [""])[0]}"', hint=_OTHER)
        frame.selectExpr(*[_column(name, given) for name, given in wanted.items()]).createOrReplaceTempView(
            self.table(role)
        )

    def view(self, name: str, sql: str) -> None:
        """Give a query a name. Raises as `rows`."""
        self._run(lambda: self._spark.sql(sql).createOrReplaceTempView(name))

    def store(self, name: str, sql: str) -> None:
        """Keep the result of a query under a name, from its first use on. Raises as `rows`."""

        def keep() -> None:
            before = self._kept.pop(name, None)
            self._kept[name] = self._spark.sql(sql).persist(StorageLevel.MEMORY_AND_DISK)
            self._kept[name].createOrReplaceTempView(name)
            if before is not None:
                before.unpersist()

        self._run(keep)

    def load(self, name: str, columns: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray]) -> None:
        """Keep NumPy columns of one length under a name; `codes` hold the bits of hashes. Raises as `rows`."""
        given = pa.table({**columns, **{key: bits.view(np.int64) for key, bits in codes.items()}})
        self._run(lambda: self._spark.createDataFrame(given).createOrReplaceTempView(name))

    def drop(self, name: str) -> None:
        """Forget what `store` kept."""

        def forget() -> None:
            self._spark.catalog.dropTempView(name)
            if (before := self._kept.pop(name, None)) is not None:
                before.unpersist()

        self._run(forget)

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query with bound `values` and return its rows.

        Raises:
            DataError: an artifact cannot be read.
            InputError: the memory is too little.
        """
        found = self._run(lambda: self._fetched(sql, values))
        return list(zip(*([_plain(v) for v in column.to_pylist()] for column in found.columns), strict=True))

    def row(self, sql: str, values: list[Any] | None = None) -> dict[str, Any]:
        """Run a query that returns one row, and return it by column name. Raises as `rows`."""
        found = self._run(lambda: self._fetched(sql, values))
        if found.num_rows != 1:
            raise ValueError(f"the query returned {found.num_rows} rows")
        return {name: _plain(found.column(place)[0].as_py()) for place, name in enumerate(found.column_names)}

    def columns(self, sql: str, values: list[Any] | None = None) -> dict[str, np.ndarray]:
        """Run a query and return NumPy columns by name. Raises as `rows`."""
        return self._run(lambda: _numpy(self._connection, self._fetched(sql, values)))

    def fault(self, sql: str) -> str:
        """Return why Spark does not understand a query, without running it; empty where it does."""

        def analysed() -> str:
            try:
                self._spark.sql(sql)
            except AnalysisException as error:
                return cause(error)
            return ""

        return self._run(analysed)

    def _fetched(self, sql: str, values: list[Any] | None) -> pa.Table:
        return self._spark.sql(sql, args=values or None).toArrow()

    def _mended(self, error: Exception) -> Exception:
        """Return the user's error for Spark's error; one that only a bug can cause is returned as it is."""
        text = cause(error)
        for role, source in self._sources.items():
            for uri, file in zip(self.files(role), source.files, strict=True):
                text = text.replace(uri, source.names(file)).replace(str(file), source.names(file))
        if "SparkContext" in text:
            return InputError(f"Spark ended before its work did: {text}", hint="look into the log of `spark-master`")
        if "OutOfMemoryError" in str(error):
            return InputError("the prediction diff ran out of memory", hint="raise --memory-limit")
        if isinstance(error, AnalysisException):
            return ValueError(f"Spark refused a query: {text}")  # its own error speaks only while Java lives
        if getattr(error, "getCondition", lambda: None)() in _OF_VALUES:
            return DataError(f"a value cannot be used: {text}", hint="check the artifacts, and `metrics` in the policy")
        return DataError(f"a prediction artifact cannot be read: {text}", hint="write or download it again")

    def _interrupt(self) -> None:
        with contextlib.suppress(Py4JError):  # Java may have ended before
            self._spark.sparkContext.cancelAllJobs()

    def forget(self) -> None:
        """Drop all that `store` kept: other sessions of the same Spark share the room."""
        for name in list(self._kept):
            self.drop(name)


_OTHER = "use `--engine duckdb`"
_OF_VALUES = (
    "DIVIDE_BY_ZERO",
    "ARITHMETIC_OVERFLOW",
    "CAST_OVERFLOW",
    "CAST_INVALID_INPUT",
)


@contextlib.contextmanager
def open_spark(spark: SparkSession, sources: Mapping[str, Source], memory: int) -> Iterator[SparkReading]:
    """Open the artifacts by role in a running Spark. `memory` is for reading footers, in bytes.

    Raises:
        DataError: as `open_session`; Spark cannot read a column or a file that DuckDB can.
        InputError: the memory is too little.
    """
    for logger in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):  # each error is told once, by us
        logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
    with open_session(sources, memory) as checked:
        session = SparkReading(spark, sources, checked)
        try:
            for role in session.roles:
                session.open(role)
            yield session
            session.forget()
        finally:
            session.close()


def _session(spark: SparkSession, rows: int) -> SparkSession:
    own = spark.newSession()
    own.conf.set("spark.sql.shuffle.partitions", min(max(rows // ROWS_A_TASK, LEAST_TASKS), MOST_TASKS))
    return own


def _folder(sources: Mapping[str, Source]) -> Path:
    return next(iter(sources.values())).files[0].parent


def _uri(path: Path) -> str:
    """Return a path as Hadoop takes it: no percent encoding, but the characters of a pattern are marked as plain."""
    return "file://" + _PATTERN.sub(r"\\\1", str(path.resolve()))


def _column(name: str, given: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{_CONVERTED[given].format(name=quoted)} AS {quoted}" if given in _CONVERTED else quoted


def _numpy(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> dict[str, np.ndarray]:
    connection.register("fetched", table)
    try:
        return connection.execute("SELECT * FROM fetched").fetchnumpy()
    finally:
        connection.unregister("fetched")


def _plain(value: object) -> object:
    """Return whole numbers that Spark holds as decimals as whole numbers."""
    return int(value) if isinstance(value, Decimal) and value.as_tuple().exponent == 0 else value
