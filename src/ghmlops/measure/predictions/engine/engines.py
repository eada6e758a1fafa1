"""The engines that read artifacts, by name. Both run the same SQL: see `dialect`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from ghmlops.measure.predictions.engine.open import open_session
from ghmlops.measure.predictions.engine.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

    from ghmlops.measure.predictions.artifacts.source import Source


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """The engine that reads the artifacts, and its limits."""

    name: str = "duckdb"
    memory: int = 1024**3
    """Memory limit in bytes."""
    master: str = ""
    """Master URL of Spark."""
    spark: SparkSession | None = None
    """The running Spark; see `start_engine`."""


@contextlib.contextmanager
def start_engine(engine: Engine) -> Iterator[Engine]:
    """Start the processes that an engine needs, once for many artifacts, and stop them afterwards.

    Raises:
        InputError: the extra or Java is missing, or the engine cannot be started with these settings.
    """
    if engine.name != "spark" or engine.spark is not None:
        yield engine
        return
    from ghmlops.measure.predictions.engine.spark_start import start_spark

    with start_spark(engine.master, engine.memory) as spark:
        yield msgspec.structs.replace(engine, spark=spark)


@contextlib.contextmanager
def open_engine(engine: Engine, sources: Mapping[str, Source]) -> Iterator[Session]:
    """Open the artifacts by role (`baseline`, `candidate`, `labels`); see `open_session` and `start_engine`."""
    with start_engine(engine) as running:
        if running.spark is None:
            with open_session(sources, running.memory) as session:
                yield session
            return
        from ghmlops.measure.predictions.engine.spark_session import open_spark

        with open_spark(running.spark, sources, running.memory) as session:
            yield session
