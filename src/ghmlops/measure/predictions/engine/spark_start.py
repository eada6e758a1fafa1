"""Starts Spark for one measurement and stops it with its Java process, folders and listeners."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ghmlops.core.errors import InputError

try:
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: F401  (Spark returns its results as Arrow tables)
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.find_spark_home import _find_spark_home
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession
except ModuleNotFoundError as error:
    raise InputError(
        f"engine spark needs {error.name}, which is not installed",
        hint='install the extra: `pip install "ghmlops[spark]"`',
    ) from error
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MIN_MEMORY = 512 * 1024**2
"""Minimum memory with which Spark starts, in bytes."""
_JAVA_HINT = "install Java 17 or newer, for example with actions/setup-java, or use `--engine duckdb`"
_START_HINT = "local[2], spark://host:7077, yarn, k8s://https://host:6443; and Java 17 or newer"
_STOP_TIMEOUT = 30
"""Seconds until Java is killed."""
_MAX_CAUSES = 20
SETTINGS: Mapping[str, str] = {
    # Semantics that the SQL of this package relies on.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.legacy.allowHashOnMapType": "true",
    # Text in the artifacts is never substituted by a setting or an environment variable.
    "spark.sql.variable.substitute": "false",
    # The statistics in a footer are claims of its writer; a pushed filter would skip the row groups that they exclude.
    "spark.sql.parquet.filterPushdown": "false",
    "spark.sql.parquet.aggregatePushdown": "false",
    # A file is read completely and unchanged, or reading fails.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
_QUIET_SETTINGS: Mapping[str, str] = {
    "spark.app.name": "ghmlops regression",
    "spark.driver.maxResultSize": "0",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@contextlib.contextmanager
def start_spark(master: str, memory: int) -> Iterator[SparkSession]:
    """Start Spark, and at the end stop it with its Java process and remove its files.

    Args:
        master: master URL. With `local...`, Spark listens only on the loopback interface.
        memory: size of the driver's heap in bytes; the settings of a cluster determine that of its executors.

    Raises:
        InputError: Java is missing or too old; the master cannot be used; the memory limit is too small.
    """
    _check_requirements(memory)
    with (
        temporary_folder("ghmlops-spark-") as temporary,
        # In the main thread, Spark would replace the handler of the interrupt signal.
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="spark") as worker,
    ):
        folder = temporary.resolve()
        processes = SparkProcesses()
        try:
            yield worker.submit(_start, master, memory, folder, processes).result()
        finally:
            worker.submit(_stop_processes, processes).result()


class SparkProcesses:
    """What has to be stopped at the end."""

    gateway: Any = None
    context: SparkContext | None = None


def _check_requirements(memory: int) -> None:
    home = os.environ.get("JAVA_HOME", "")
    if not (Path(home) / "bin" / "java").is_file() and shutil.which("java") is None:
        raise InputError("engine spark needs Java, which is not installed", hint=_JAVA_HINT)
    if memory < MIN_MEMORY:
        raise InputError(f"a memory limit of {memory:,} bytes is too small for Spark", hint="--memory-limit 1GiB")
    if SparkContext._active_spark_context is not None:
        raise InputError("Spark is already running in this process", hint="stop it first")


def _start(master: str, memory: int, folder: Path, processes: SparkProcesses) -> SparkSession:
    with warnings.catch_warnings(action="ignore"), contextlib.suppress(ImportError):
        import pyspark.testing.utils  # noqa: F401  (warns about other packages; Spark imports it later anyway)
    log = folder / "spark.log"
    conf = SparkConf(loadDefaults=False).setMaster(master).setAll(_settings(master, memory, folder))
    try:
        with log.open("wb") as stream, _on_loopback(local=master.startswith("local")):
            processes.gateway = launch_gateway(  # type: ignore[no-untyped-call]
                conf, popen_kwargs={"stderr": stream, "stdout": stream}
            )
            processes.context = SparkContext(gateway=processes.gateway, conf=conf)
            return SparkSession(processes.context)
    except (PySparkException, Py4JError) as error:
        why = _java_error(log) if processes.gateway is None else root_cause(error)
        raise InputError(f'Spark does not start with the master "{master}": {why}', hint=_START_HINT) from None


def _settings(master: str, memory: int, folder: Path) -> list[tuple[str, str]]:
    settings = {**SETTINGS, **_QUIET_SETTINGS}
    settings["spark.driver.memory"] = f"{memory // 1024**2}m"
    settings["spark.driver.extraJavaOptions"] = (
        f"-Djava.io.tmpdir={folder} -Dderby.system.home={folder} -XX:-UsePerfData"
    )
    settings["spark.sql.warehouse.dir"] = (folder / "warehouse").as_uri()
    if master.startswith("local"):
        settings |= {"spark.local.dir": str(folder / "local"), "spark.driver.bindAddress": "127.0.0.1"}
        settings |= {"spark.driver.host": "127.0.0.1"}
    return list(settings.items())


@contextlib.contextmanager
def _on_loopback(*, local: bool) -> Iterator[None]:
    """Make a local Spark listen on the loopback interface: it reads this setting only from the environment."""
    previous = os.environ.get("SPARK_LOCAL_IP")
    if local:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    try:
        yield
    finally:
        if local and previous is None:
            del os.environ["SPARK_LOCAL_IP"]
        elif local and previous is not None:
            os.environ["SPARK_LOCAL_IP"] = previous


def _stop_processes(processes: SparkProcesses) -> None:
    """Stop Spark, then Java; PySpark would keep Java alive until this process ends."""
    if processes.context is not None:
        SparkSession._instantiatedSession = None
        _stop_context(processes.context)
    if processes.gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    SparkContext._active_spark_context = None
    processes.gateway.shutdown()
    process: subprocess.Popen[bytes] = processes.gateway.proc
    _close(process.stdin)
    try:
        process.wait(timeout=_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop_context(context: SparkContext) -> None:
    """Stop Spark, and remove the folders that a cluster on this machine (`local-cluster`) leaves with PySpark."""
    is_local_cluster = "local-cluster" in str(context.master)
    worker_folders = Path(_find_spark_home()) / "work" / context.applicationId
    context.stop()
    if is_local_cluster:
        shutil.rmtree(worker_folders, ignore_errors=True)


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


def _java_error(log: Path) -> str:
    """Return the first line of Java's log that names an error, or its last line."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    errors = [line for line in lines if "Exception" in line or "Error" in line]
    return (errors or lines[-1:] or ["Java wrote no message"])[0][:200]


def root_cause(error: Exception) -> str:
    """Return the first line of the message of the first error in the chain, without the names of Java's classes."""
    java_error = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    for _ in range(_MAX_CAUSES):
        if java_error is None or java_error.getCause() is None:
            break
        java_error = java_error.getCause()
    message = java_error.getMessage() if java_error is not None else None
    return str(message or error).split("\n", 1)[0][:300]
