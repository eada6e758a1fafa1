"""The engines that read artifacts, by name. One SQL, two sessions: see `dialect`."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.measure.predictions.engine.open import open_session
from ghmlops.measure.predictions.engine.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pyspark.sql import SparkSession

    from ghmlops.measure.predictions.artifacts.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Which engine reads the artifacts, and what it may use."""

    name: str = "duckdb"
    memory: int = 1024**3
    """Bytes."""
    master: str = ""
    """Of Spark."""
    spark: SparkSession | None = None
    """The Spark that runs; see `ready`."""


@contextlib.contextmanager
def ready(engine: Engine) -> Iterator[Engine]:
    """Start what an engine needs, once for many artifacts, and end it.

    Raises:
        InputError: the extra or Java is missing, or the engine cannot be started as asked.
    """
    if engine.name != "spark" or engine.spark is not None:
        yield engine
        return
    from ghmlops.measure.predictions.engine.spark_start import started

    with started(engine.master, engine.memory) as spark:
        yield dataclasses.replace(engine, spark=spark)


@contextlib.contextmanager
def open_engine(engine: Engine, sources: Mapping[str, Source]) -> Iterator[Session]:
    """Open the artifacts by role (`baseline`, `candidate`, `labels`); see `open_session` and `ready`."""
    with ready(engine) as running:
        if running.spark is None:
            with open_session(sources, running.memory) as session:
                yield session
            return
        from ghmlops.measure.predictions.engine.spark_session import open_spark

        with open_spark(running.spark, sources, running.memory) as session:
            yield session
