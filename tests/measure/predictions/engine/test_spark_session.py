"""Spark gives the same result as DuckDB: equal findings and counts, numbers to 1e-9; and it leaves no files."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError, InputError
from ghmlops.core.model import Direction
from ghmlops.core.policy.regression import Changed, CustomMetric, Regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.engines import Engine, open_engine, start_engine
from ghmlops.measure.predictions.reading import read_predictions
from thoroughness import thorough

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation

MASTER = "local-cluster[2,1,1024]"
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Options of Java for short runs: a test ends before the optimising compiler pays off."""
MEMORY = 1024**3
TOLERANCE = 1e-9
CLASSES = ("ant's", 'b"ee\\', "${env:HOME}")
"""Class names with a quote, an escape and a variable of one of the SQL dialects."""


def _skip_reason() -> str:
    if os.environ.get("CI") == "true":
        return ""  # CI skips no test
    try:
        import pyspark  # noqa: F401
    except ModuleNotFoundError:
        return "PySpark is not installed: `scripts/test` installs it"
    return "" if shutil.which("java") or os.environ.get("JAVA_HOME") else "Java is not installed"


pytestmark = pytest.mark.skipif(bool(_skip_reason()), reason=_skip_reason() or "installed")


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    """A Spark with two workers in separate processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", LIGHT)
        with start_engine(Engine(name="spark", memory=MEMORY, master=MASTER)) as engine:
            yield engine


def observe(engine: Engine, sources: dict[str, Source], policy: Regression) -> Observation:
    with open_engine(engine, sources) as session:
        return read_predictions(session, policy, lambda _: None)


def differences(first: Any, second: Any, at: str = "") -> list[str]:
    """Return the differences of two nested values; floats may differ by a relative error of 1e-9."""
    if isinstance(first, float) and isinstance(second, float):
        return [] if math.isclose(first, second, rel_tol=TOLERANCE, abs_tol=1e-12) else [f"{at}: {first!r} {second!r}"]
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [d for key in first for d in differences(first[key], second[key], f"{at}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = zip(first, second, strict=True)
        return [d for index, (a, b) in enumerate(pairs) for d in differences(a, b, f"{at}[{index}]")]
    return [] if first == second else [f"{at}: {first!r} {second!r}"]


def agree(spark: Engine, sources: dict[str, Source], policy: Regression) -> tuple[Observation, Observation]:
    """Read with both engines, and assert that all facts and all judged results agree."""
    first, second = observe(Engine(memory=MEMORY), sources, policy), observe(spark, sources, policy)
    results = [
        msgspec.to_builtins(
            {
                "judged": judge_observations([result], policy),
                "facts": msgspec.to_builtins(result.facts),
                "changes": [msgspec.to_builtins(change) for change in result.changes],
                "changed": result.changed_rows,
            },
            str_keys=True,
        )
        for result in (first, second)
    ]
    assert results[0]["judged"]["findings"]
    assert differences(*results) == []
    return first, second


def write_sides(folder: Path, **sides: dict[str, Any]) -> dict[str, Source]:
    return {
        role: Source.of(artifacts.write(folder / f"{role} [1]*'%20{{}}.parquet", rows), f"{role}.parquet")
        for role, rows in sides.items()
    }


def binary(n: int = 3000) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return rows of a scorer with the faults of real ones: nulls, NaN, infinity, copies, removed rows."""
    sides = artifacts.rows(n, 1), artifacts.rows(n, 2)
    rng = np.random.default_rng(5)
    for seed, side in enumerate(sides):
        scores = np.array(side["s"])
        scores[[3 + seed, 50]], scores[60 + seed], scores[70] = np.nan, np.inf, 1.5
        side["s"] = pa.array(scores, mask=np.arange(n) == 80)
        side["x"] = pa.array(rng.normal(size=n) * 10 + seed, mask=np.arange(n) % 97 == 0)
        side["amount"] = pa.array([None if i % 50 == 0 else i % 7 for i in range(n)], pa.int32())
        device = list(side["device"])
        device[90 + seed] = None
        side["device"] = pa.array(device)
        side["s"] = pa.concat_arrays([side["s"]])
    first, second = (pa.table(side) for side in sides)
    second = pa.concat_tables(
        [second.slice(11), second.slice(100, 3), second.slice(200, 1)]
    )  # with removed and copied rows
    labels = {"id": np.arange(n), "y": sides[0].pop("y")}
    return (
        dict(zip(first.column_names, first.columns, strict=True)),
        dict(zip(second.column_names, second.columns, strict=True)),
        labels,
    )


BINARY = replace(
    artifacts.BINARY,
    slices=(("device", "country"),),
    time="t",
    window="1w",
    group="user",
    minimum_rows=50,
    search=0,
)


def test_binary_with_faults(spark: Engine, tmp_path: Path) -> None:
    """Slices, windows, groups, copies, nulls, NaN, removed rows, and file names with pattern characters."""
    first, second, _ = binary()
    result, _ = agree(spark, write_sides(tmp_path, baseline=first, candidate=second), BINARY)
    assert result.facts.candidate.repeated_keys == 4
    assert result.facts.pairs
    assert result.facts.pairs.removed == 11


@thorough
def test_binary_features_search_custom_metrics_and_changed_rows(spark: Engine, tmp_path: Path) -> None:
    """Drift and bins of features, the search, custom SQL, changed rows, and labels in a file."""
    first, second, labels = binary()
    first["s"] = pa.array(np.nan_to_num(np.array(first["s"], dtype=float), nan=0.4, posinf=0.4).clip(0, 1))
    policy = replace(
        artifacts.BINARY,
        features=("x", "country"),
        minimum_rows=50,
        metrics=(
            CustomMetric(
                name="cost", sql="abs(prediction - label) * coalesce(amount, 0) / 2", direction=Direction.LOWER
            ),
            CustomMetric(
                name="gain", sql="CASE WHEN amount > 1 THEN ln(1 + amount) / 3 END", direction=Direction.HIGHER
            ),
        ),
        changed=Changed(rows=40, show=("device", "x"), mask=("x",), hash=("id",)),
    )
    sides = write_sides(tmp_path, baseline=first, candidate=second, labels=labels)
    result, other = agree(spark, sides, policy)
    assert len(result.changed_rows) == 40
    for first_feature, second_feature in zip(result.features, other.features, strict=True):
        counts = [(d.baseline.tolist(), d.candidate.tolist(), d.missing) for d in (first_feature, second_feature)]
        assert counts[0] == counts[1]


@thorough
def test_multiclass_with_hostile_class_names(spark: Engine, tmp_path: Path) -> None:
    """Quotes, backslashes and variables in class names are text; faulty vectors are counted."""

    def side(seed: int, n: int = 600) -> dict[str, Any]:
        shared_rng, own_rng = np.random.default_rng(1), np.random.default_rng(seed)
        truth = shared_rng.integers(0, 3, n)
        raw = np.exp(shared_rng.normal(size=(n, 3)) + 0.3 * own_rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth])
        vectors: list[list[float] | None] = (raw / raw.sum(axis=1, keepdims=True)).tolist()
        vectors[4], vectors[5], vectors[6], vectors[7] = [0.5, 0.5], None, [0.9, 0.9, 0.1], [math.nan, 0.5, 0.5]
        names: list[str | None] = [CLASSES[t] for t in truth]
        names[8], names[9] = None, "wasp"
        return {"id": [f"row'{i}\\" for i in range(n)], "y": names, "v": vectors, "site": (truth % 2).tolist()}

    policy = Regression(
        task="multiclass",
        key=("id",),
        label="y",
        score="v",
        classes=CLASSES,
        minimum_rows=5,
        slices=(("site",),),
        changed=Changed(rows=5),
    )
    result, _ = agree(spark, write_sides(tmp_path, baseline=side(1), candidate=side(2)), policy)
    assert result.facts.candidate.odd_label_examples == ("wasp",)
    assert result.facts.candidate.ragged_vectors == 1


@thorough
def test_regression_in_single_precision_by_month(spark: Engine, tmp_path: Path) -> None:
    """A regression with one side in single precision, and times without a zone in nanoseconds."""
    sides = artifacts.values(1500, 1), artifacts.values(1500, 2)
    for side in sides:
        start = datetime(2025, 1, 30, 23, tzinfo=UTC).replace(tzinfo=None)
        moments = [start + timedelta(hours=int(i) % 1500) for i in range(1500)]
        side["t"] = pa.array(moments, pa.timestamp("ns"))
    sides[1]["p"] = sides[1]["p"].astype(np.float32)
    policy = Regression(
        task="regression", key=("id",), label="y", prediction="p", time="t", window="1mo", minimum_rows=20
    )
    result, other = agree(spark, write_sides(tmp_path, baseline=sides[0], candidate=sides[1]), policy)
    assert ("",) in result.tables
    assert result.tables[("",)].keys == other.tables[("",)].keys


@thorough
def test_class_columns_decisions_and_numeric_times_of_a_zone(spark: Engine, tmp_path: Path) -> None:
    """One column per class, decisions alone, decimal keys, times as numbers and windows of a time zone."""
    draw = np.random.default_rng(8)
    n = 1200
    sides = []
    for key in (pa.int64(), pa.decimal128(30, 2)):
        vectors = draw.dirichlet(np.ones(3), n)
        sides.append(
            {
                "id": pa.array(np.arange(n)).cast(key),
                "y": np.arange(n) % 3,
                "f": vectors.argmax(axis=1),
                **{f"p{k}": vectors[:, k] for k in range(3)},
                "t": 1_729_800_000_000 + np.arange(n) * 361_000,
            }
        )
    sources = write_sides(tmp_path, baseline=sides[0], candidate=sides[1])
    shared: dict[str, Any] = {
        "task": "multiclass",
        "key": ("id",),
        "label": "y",
        "classes": ("0", "1", "2"),
        "time": "t",
    }
    shared |= {"time_unit": "ms", "time_zone": "Europe/Berlin", "minimum_rows": 5, "search": 0}
    agree(spark, sources, Regression(scores=("p0", "p1", "p2"), window="1d", **shared))
    agree(spark, sources, Regression(prediction="f", window="1h", **shared))


@thorough
def test_ranking(spark: Engine, tmp_path: Path) -> None:
    """Queries with ties and without relevant documents, and a document of different queries."""

    def side(seed: int, queries: int = 60, each: int = 12) -> dict[str, Any]:
        shared_rng, own_rng, n = np.random.default_rng(2), np.random.default_rng(seed), queries * each
        relevance, query = shared_rng.choice([0, 0, 1, 2, 3], n), np.arange(n) // each
        relevance[:each] = 0
        names = [f"q{i}" for i in query]
        names[-1] = f"q{seed}"
        scores = np.round(relevance + 1.5 * own_rng.normal(size=n), 1)
        return {"id": np.arange(n), "q": names, "y": relevance, "s": scores, "site": (query % 2).tolist()}

    policy = Regression(
        task="ranking", key=("id",), label="y", score="s", query="q", at=5, minimum_rows=5, slices=(("site",),)
    )
    result, _ = agree(spark, write_sides(tmp_path, baseline=side(1), candidate=side(2)), policy)
    assert result.facts.pairs
    assert (result.facts.pairs.queries, result.facts.pairs.query_conflicts) == (60, 1)


@thorough
def test_weights(spark: Engine, tmp_path: Path) -> None:
    """Weights with unusable values, of a scorer with groups and of a regression."""
    weight = np.random.default_rng(3).lognormal(size=1500)
    weight[[5, 6, 7, 8]] = np.nan, np.inf, 0.0, -1.0
    first, second = (artifacts.rows(1500, seed) | {"w": weight} for seed in (1, 2))
    result, _ = agree(spark, write_sides(tmp_path, baseline=first, candidate=second), replace(BINARY, weight="w"))
    assert result.facts.baseline.odd_weights == 4
    first, second = (artifacts.values(1500, seed) | {"w": weight} for seed in (1, 2))
    policy = Regression(task="regression", key=("id",), label="y", prediction="p", weight="w")
    agree(spark, write_sides(tmp_path, baseline=first, candidate=second), policy)


@thorough
def test_embeddings_in_partition_folders(spark: Engine, tmp_path: Path) -> None:
    """Several files per side; values of folders are text, including null and percent-encoded ones."""
    roots = {}
    for seed, role in enumerate(("baseline", "candidate")):
        shared_rng, own_rng = np.random.default_rng(3), np.random.default_rng(seed)
        files = []
        for index, folder in enumerate(("site=01", "site=a%20b", "site=__HIVE_DEFAULT_PARTITION__")):
            vectors = (shared_rng.normal(size=(120, 8)) + 0.05 * own_rng.normal(size=(120, 8))).astype(np.float32)
            vectors[0] = 0
            inner = tmp_path / role / folder
            inner.mkdir(parents=True)
            ids = np.arange(120) + 1000 * index
            files.append(artifacts.write(inner / "part.parquet", {"id": ids, "v": list(vectors)}))
        roots[role] = Source(files=tuple(files), display_name=role, hive_root=tmp_path / role)
    policy = Regression(task="embedding", key=("id",), score="v", slices=(("site",),), minimum_rows=5)
    result, _ = agree(spark, roots, policy)
    assert {key[0] for key in result.tables[("site",)].keys} == {"01", "a b", None}
    assert result.facts.baseline.zero_vectors == 3


def test_artifacts_that_spark_cannot_read_are_rejected(spark: Engine, tmp_path: Path) -> None:
    """A file name that Spark ignores, an unsupported type, and a column name with a backslash are errors."""
    good = artifacts.rows(50, 1)
    cases = {
        "_hidden.parquet": (good, "ignores files"),
        "uuid.parquet": (good | {"u": pa.array([bytes(16)] * 50, pa.uuid())}, "cannot read"),
        "back.parquet": (good | {"a\\b": np.arange(50)}, "cannot name the column"),
    }
    for name, (rows, message) in cases.items():
        other = artifacts.write(tmp_path / f"good-{name}", good)
        sources = {
            "baseline": Source.of(other, "a"),
            "candidate": Source.of(artifacts.write(tmp_path / name, rows), name),
        }
        with pytest.raises(DataError, match=f"{name}: .*{message}") as excinfo, open_engine(spark, sources):
            pass
        assert "duckdb" in excinfo.value.hint


def test_signal_stops_the_jobs(spark: Engine, tmp_path: Path) -> None:
    """An interrupt during a query ends its jobs, and Spark can still be used."""
    assert spark.spark is not None
    tracker = spark.spark.sparkContext.statusTracker()
    sources = write_sides(tmp_path, baseline=artifacts.rows(50, 1), candidate=artifacts.rows(50, 2))

    def interrupt() -> None:
        for _ in range(600):
            if tracker.getActiveJobsIds():
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.1)

    waiting = threading.Thread(target=interrupt)
    waiting.start()
    with pytest.raises(KeyboardInterrupt), open_engine(spark, sources) as session:
        session.rows("SELECT sum(a.id % 7) FROM range(100000000) a JOIN range(100000000) b ON a.id % 7 <> b.id % 5")
    waiting.join()
    assert tracker.getActiveJobsIds() == []
    with open_engine(spark, sources) as session:
        assert session.rows("SELECT count(*) FROM files_baseline") == [(50,)]


@thorough
def test_command_prints_no_message_of_java_and_leaves_no_file(tmp_path: Path) -> None:
    """With `--engine spark` the command writes evidence, prints nothing from Java, and removes temporary files."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    policy = (
        "version: 1\nservice: scorer\nregression: {task: binary, key: [id], label: y, score: s, slices: [device], "
        "artifacts: {baseline: a.parquet, candidate: b.parquet}}\n"
    )
    (tmp_path / "policy.yml").write_text(policy, encoding="utf-8")
    for name, seed in (("a", 1), ("b", 2)):
        artifacts.write(tmp_path / f"{name}.parquet", artifacts.rows(2000, seed))
    options = ["--policy", "policy.yml", "--engine", "spark", "--spark-master", "local[2]"]
    process = subprocess.run(
        [sys.executable, "-m", "ghmlops", "regression", *options],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary), "JAVA_TOOL_OPTIONS": LIGHT, "GITHUB_SHA": "0" * 40},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode in (0, 1), process.stderr
    assert not any(word in process.stderr for word in ("WARN", "Warning", "ERROR", "Picked up", "log4j", "Stage"))
    evidence = json.loads((tmp_path / "evidence" / "regression.json").read_text(encoding="utf-8"))
    assert next(f["n"] for f in evidence["findings"] if f["id"] == "contract-rows") == 2000
    assert list(temporary.iterdir()) == []


def test_missing_requirements_are_input_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory, missing Java and missing PySpark are reported."""

    def start_error(memory: int = MEMORY) -> tuple[str, str]:
        with pytest.raises(InputError) as excinfo, start_engine(Engine(name="spark", memory=memory, master="local[1]")):
            pass
        return str(excinfo.value), excinfo.value.hint

    assert "memory limit of 1,000,000 bytes" in start_error(10**6)[0]
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "needs Java" in start_error()[0]
    monkeypatch.delitem(sys.modules, "ghmlops.measure.predictions.engine.spark_start")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    message, hint = start_error()
    assert "engine spark needs pyspark" in message
    assert "ghmlops[spark]" in hint
