"""Spark, started quietly for one measurement and ended without a trace: its process, its folders, its listeners."""

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
    import pyarrow as pa  # type: ignore[import-untyped] # noqa: F401  (Spark hands its results over in it)
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.find_spark_home import _find_spark_home
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession
except ModuleNotFoundError as error:
    raise InputError(
        f"engine spark needs {error.name}, which is not installed",
        hint="install the extra: `pip install 'ghmlops[spark]'`",
    ) from error
from ghmlops.measure.temporary import temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LEAST_MEMORY = 512 * 1024**2
"""Bytes below which Spark does not start."""
_JAVA = "install Java 17 or newer, for example with actions/setup-java, or use `--engine duckdb`"
_START = "local[2], spark://host:7077, yarn, k8s://https://host:6443; and Java 17 or newer"
_END = 30
"""Seconds that Java has to end."""
_DEEPEST = 20
SETTINGS: Mapping[str, str] = {
    # What the SQL of this room counts on.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "true",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.legacy.allowHashOnMapType": "true",
    # Text of the artifacts never becomes a setting or a variable of the environment.
    "spark.sql.variable.substitute": "false",
    # Files are read as they are, or not at all.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.parquet.binaryAsString": "false",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.legacy.parquet.nanosAsLong": "true",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
}
_QUIET: Mapping[str, str] = {
    "spark.app.name": "ghmlops regression",
    "spark.driver.maxResultSize": "0",
    "spark.log.level": "ERROR",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@contextlib.contextmanager
def started(master: str, memory: int) -> Iterator[SparkSession]:
    """Start Spark, and end it with its Java process and all that it wrote.

    Args:
        master: master URL. On `local...` all listens on the loopback interface alone.
        memory: bytes of the driver's heap; the executors of a cluster have what the cluster's settings give them.

    Raises:
        InputError: there is no Java, or too old a one; the master cannot be used; the memory is too little.
    """
    _check(memory)
    with (
        temporary_folder("ghmlops-spark-") as made,
        # Beside the main thread, in which Spark would replace the handler of the interrupt.
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="spark") as worker,
    ):
        folder = made.resolve()
        launched = Launched()
        try:
            yield worker.submit(_start, master, memory, folder, launched).result()
        finally:
            worker.submit(_end, launched).result()


class Launched:
    """What has to be ended."""

    gateway: Any = None
    context: SparkContext | None = None


def _check(memory: int) -> None:
    home = os.environ.get("JAVA_HOME", "")
    if not (Path(home) / "bin" / "java").is_file() and shutil.which("java") is None:
        raise InputError("engine spark needs Java, which is not on this machine", hint=_JAVA)
    if memory < LEAST_MEMORY:
        raise InputError(f"a memory limit of {memory:,} bytes is too small for Spark", hint="--memory-limit 1GiB")
    if SparkContext._active_spark_context is not None:
        raise InputError("Spark already runs in this process", hint="stop it first")


def _start(master: str, memory: int, folder: Path, launched: Launched) -> SparkSession:
    with warnings.catch_warnings(action="ignore"), contextlib.suppress(ImportError):
        import pyspark.testing.utils  # noqa: F401  (it complains of other packages; Spark loads it for its own ends)
    log = folder / "spark.log"
    conf = SparkConf(loadDefaults=False).setMaster(master).setAll(_settings(master, memory, folder))
    try:
        with log.open("wb") as stream, _on_loopback(local=master.startswith("local")):
            launched.gateway = launch_gateway(  # type: ignore[no-untyped-call]
                conf, popen_kwargs={"stderr": stream, "stdout": stream}
            )
            launched.context = SparkContext(gateway=launched.gateway, conf=conf)
            return SparkSession(launched.context)
    except (PySparkException, Py4JError) as error:
        why = _complaint(log) if launched.gateway is None else cause(error)
        raise InputError(f'Spark does not start with the master "{master}": {why}', hint=_START) from None


def _settings(master: str, memory: int, folder: Path) -> list[tuple[str, str]]:
    found = {**SETTINGS, **_QUIET}
    found["spark.driver.memory"] = f"{memory // 1024**2}m"
    found["spark.driver.extraJavaOptions"] = f"-Djava.io.tmpdir={folder} -Dderby.system.home={folder} -XX:-UsePerfData"
    found["spark.sql.warehouse.dir"] = (folder / "warehouse").as_uri()
    if master.startswith("local"):
        found |= {"spark.local.dir": str(folder / "local"), "spark.driver.bindAddress": "127.0.0.1"}
        found |= {"spark.driver.host": "127.0.0.1"}
    return list(found.items())


@contextlib.contextmanager
def _on_loopback(*, local: bool) -> Iterator[None]:
    """Let a Spark of this machine alone listen on the loopback interface: it takes that from the environment only."""
    before = os.environ.get("SPARK_LOCAL_IP")
    if local:
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    try:
        yield
    finally:
        if local and before is None:
            del os.environ["SPARK_LOCAL_IP"]
        elif local and before is not None:
            os.environ["SPARK_LOCAL_IP"] = before


def _end(launched: Launched) -> None:
    """Stop Spark, then Java; PySpark would let Java live on as long as this process does."""
    if launched.context is not None:
        SparkSession._instantiatedSession = None
        _stop(launched.context)
    if launched.gateway is None:
        return
    SparkContext._gateway = SparkContext._jvm = None
    SparkContext._active_spark_context = None
    launched.gateway.shutdown()
    process: subprocess.Popen[bytes] = launched.gateway.proc
    _close(process.stdin)
    try:
        process.wait(timeout=_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _stop(context: SparkContext) -> None:
    """Stop Spark; a cluster inside this machine (`local-cluster`) leaves the folders of its workers beside PySpark."""
    left = Path(_find_spark_home()) / "work" / context.applicationId if "local-cluster" in str(context.master) else None
    context.stop()
    if left is not None:
        shutil.rmtree(left, ignore_errors=True)


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        stream.close()


def _complaint(log: Path) -> str:
    """Return what Java said before it ended: the line that names an error, else the last."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n") if log.is_file() else []
    told = [line.strip() for line in lines if line.strip()]
    named = [line for line in told if "Exception" in line or "Error" in line]
    return (named or told[-1:] or ["Java said nothing"])[0][:200]


def cause(error: Exception) -> str:
    """Return the first line of what began the failure, without the names of Java's classes."""
    said = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    for _ in range(_DEEPEST):
        if said is None or said.getCause() is None:
            break
        said = said.getCause()
    told = said.getMessage() if said is not None else None
    return str(told or error).split("\n", 1)[0][:300]
