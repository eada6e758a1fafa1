"""Spark gives what DuckDB gives: the same findings, counts exactly, numbers to 1e-9; and it leaves nothing behind."""

from __future__ import annotations

import dataclasses
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation

MASTER = "local-cluster[2,1,1024]"
LIGHT = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For Java: a test is over before the second compiler pays."""
MEMORY = 1024**3
TO = 1e-9
CLASSES = ("ant's", 'b"ee\\', "${env:HOME}")
"""Names that end, escape and replace something in one SQL or another."""


def _absent() -> str:
    if os.environ.get("CI") == "true":
        return ""  # in continuous integration nothing is skipped
    try:
        import pyspark  # noqa: F401
    except ModuleNotFoundError:
        return "PySpark is not installed: `scripts/test` does it"
    return "" if shutil.which("java") or os.environ.get("JAVA_HOME") else "java is not on this machine: no Spark"


pytestmark = pytest.mark.skipif(bool(_absent()), reason=_absent() or "there")


@pytest.fixture(scope="session")
def spark() -> Iterator[Engine]:
    """A Spark whose two workers are processes of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAVA_TOOL_OPTIONS", LIGHT)
        with start_engine(Engine(name="spark", memory=MEMORY, master=MASTER)) as engine:
            yield engine


def observe(engine: Engine, sources: dict[str, Source], policy: Regression) -> Observation:
    with open_engine(engine, sources) as session:
        return read_predictions(session, policy, lambda _: None)


def differences(first: Any, second: Any, at: str = "") -> list[str]:
    """Return where two values differ: numbers with a fraction by more than 1e-9 of them, all else at all."""
    if isinstance(first, float) and isinstance(second, float):
        return [] if math.isclose(first, second, rel_tol=TO, abs_tol=1e-12) else [f"{at}: {first!r} {second!r}"]
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [d for key in first for d in differences(first[key], second[key], f"{at}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = zip(first, second, strict=True)
        return [d for place, (a, b) in enumerate(pairs) for d in differences(a, b, f"{at}[{place}]")]
    return [] if first == second else [f"{at}: {first!r} {second!r}"]


def agree(spark: Engine, sources: dict[str, Source], policy: Regression) -> tuple[Observation, Observation]:
    """Read with both engines, and hold against each other what was counted and all that was judged."""
    first, second = observe(Engine(memory=MEMORY), sources, policy), observe(spark, sources, policy)
    told = [
        msgspec.to_builtins(
            {
                "judged": judge_observations([seen], policy),
                "facts": dataclasses.asdict(seen.facts),
                "changes": [dataclasses.asdict(change) for change in seen.changes],
                "changed": seen.changed_rows,
            },
            str_keys=True,
        )
        for seen in (first, second)
    ]
    assert told[0]["judged"]["findings"]
    assert differences(*told) == []
    return first, second


def written(place: Path, **sides: dict[str, Any]) -> dict[str, Source]:
    return {
        role: Source.of(artifacts.write(place / f"{role} [1]*'%20{{}}.parquet", rows), f"{role}.parquet")
        for role, rows in sides.items()
    }


def binary(n: int = 3000) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A scorer's rows with all that real ones get wrong: nulls, NaN, infinity, copies, removed and moved rows."""
    sides = artifacts.rows(n, 1), artifacts.rows(n, 2)
    world = np.random.default_rng(5)
    for seed, side in enumerate(sides):
        scores = np.array(side["s"])
        scores[[3 + seed, 50]], scores[60 + seed], scores[70] = np.nan, np.inf, 1.5
        side["s"] = pa.array(scores, mask=np.arange(n) == 80)
        side["x"] = pa.array(world.normal(size=n) * 10 + seed, mask=np.arange(n) % 97 == 0)
        side["amount"] = pa.array([None if i % 50 == 0 else i % 7 for i in range(n)], pa.int32())
        device = list(side["device"])
        device[90 + seed] = None
        side["device"] = pa.array(device)
        side["s"] = pa.concat_arrays([side["s"]])
    first, second = (pa.table(side) for side in sides)
    second = pa.concat_tables([second.slice(11), second.slice(100, 3), second.slice(200, 1)])  # removed and copied rows
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


def test_binary_with_all_that_goes_wrong(spark: Engine, tmp_path: Path) -> None:
    """Slices, windows, groups, copies, nulls, NaN, removed rows; files whose names are patterns."""
    first, second, _ = binary()
    seen, _ = agree(spark, written(tmp_path, baseline=first, candidate=second), BINARY)
    assert seen.facts.candidate.repeated_keys == 4
    assert seen.facts.pairs
    assert seen.facts.pairs.removed == 11


def test_binary_features_search_custom_metrics_and_changed_rows(spark: Engine, tmp_path: Path) -> None:
    """Drift and bins of features, the search, the user's own SQL with a division by zero, labels in a file."""
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
    sides = written(tmp_path, baseline=first, candidate=second, labels=labels)
    seen, other = agree(spark, sides, policy)
    assert len(seen.changed_rows) == 40
    for one, two in zip(seen.features, other.features, strict=True):
        assert (one.baseline.tolist(), one.candidate.tolist()) == (two.baseline.tolist(), two.candidate.tolist())
        assert one.missing == two.missing


def test_multiclass_whose_class_names_are_hostile(spark: Engine, tmp_path: Path) -> None:
    """Quotes, backslashes and variables in names are text; vectors of another length or sum are counted."""

    def side(seed: int, n: int = 600) -> dict[str, Any]:
        world, own = np.random.default_rng(1), np.random.default_rng(seed)
        truth = world.integers(0, 3, n)
        raw = np.exp(world.normal(size=(n, 3)) + 0.3 * own.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth])
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
    seen, _ = agree(spark, written(tmp_path, baseline=side(1), candidate=side(2)), policy)
    assert seen.facts.candidate.odd_label_examples == ("wasp",)
    assert seen.facts.candidate.ragged_vectors == 1


def test_values_in_single_precision_over_months(spark: Engine, tmp_path: Path) -> None:
    """Errors of a regression; one side in single precision; times without a zone, in nanoseconds."""
    sides = artifacts.values(1500, 1), artifacts.values(1500, 2)
    for side in sides:
        start = datetime(2025, 1, 30, 23, tzinfo=UTC).replace(tzinfo=None)
        moments = [start + timedelta(hours=int(i) % 1500) for i in range(1500)]
        side["t"] = pa.array(moments, pa.timestamp("ns"))
    sides[1]["p"] = sides[1]["p"].astype(np.float32)
    policy = Regression(
        task="regression", key=("id",), label="y", prediction="p", time="t", window="1mo", minimum_rows=20
    )
    seen, other = agree(spark, written(tmp_path, baseline=sides[0], candidate=sides[1]), policy)
    assert ("",) in seen.tables
    assert seen.tables[("",)].keys == other.tables[("",)].keys


def test_rankings(spark: Engine, tmp_path: Path) -> None:
    """Queries with ties, without relevant documents, and moved documents."""

    def side(seed: int, queries: int = 60, each: int = 12) -> dict[str, Any]:
        world, own, n = np.random.default_rng(2), np.random.default_rng(seed), queries * each
        relevance, query = world.choice([0, 0, 1, 2, 3], n), np.arange(n) // each
        relevance[:each] = 0
        names = [f"q{i}" for i in query]
        names[-1] = f"q{seed}"
        scores = np.round(relevance + 1.5 * own.normal(size=n), 1)
        return {"id": np.arange(n), "q": names, "y": relevance, "s": scores, "site": (query % 2).tolist()}

    policy = Regression(
        task="ranking", key=("id",), label="y", score="s", query="q", at=5, minimum_rows=5, slices=(("site",),)
    )
    seen, _ = agree(spark, written(tmp_path, baseline=side(1), candidate=side(2)), policy)
    assert seen.facts.pairs
    assert (seen.facts.pairs.queries, seen.facts.pairs.query_conflicts) == (60, 1)


def test_embeddings_in_folders_that_are_columns(spark: Engine, tmp_path: Path) -> None:
    """Several files a side; values of folders are text, null and percent-encoded ones too."""
    roots = {}
    for seed, role in enumerate(("baseline", "candidate")):
        world, own = np.random.default_rng(3), np.random.default_rng(seed)
        files = []
        for place, folder in enumerate(("site=01", "site=a%20b", "site=__HIVE_DEFAULT_PARTITION__")):
            vectors = (world.normal(size=(120, 8)) + 0.05 * own.normal(size=(120, 8))).astype(np.float32)
            vectors[0] = 0
            inner = tmp_path / role / folder
            inner.mkdir(parents=True)
            ids = np.arange(120) + 1000 * place
            files.append(artifacts.write(inner / "part.parquet", {"id": ids, "v": list(vectors)}))
        roots[role] = Source(files=tuple(files), display_name=role, hive_root=tmp_path / role)
    policy = Regression(task="embedding", key=("id",), score="v", slices=(("site",),), minimum_rows=5)
    seen, _ = agree(spark, roots, policy)
    assert {key[0] for key in seen.tables[("site",)].keys} == {"01", "a b", None}
    assert seen.facts.baseline.zero_vectors == 3


def test_what_spark_would_pass_over_is_refused(spark: Engine, tmp_path: Path) -> None:
    """A file that Spark takes for hidden, a type that it cannot read, a name that its SQL cannot hold."""
    good = artifacts.rows(50, 1)
    cases = {
        "_hidden.parquet": (good, "ignores files"),
        "uuid.parquet": (good | {"u": pa.array([bytes(16)] * 50, pa.uuid())}, "cannot read"),
        "back.parquet": (good | {"a\\b": np.arange(50)}, "cannot name the column"),
    }
    for name, (rows, said) in cases.items():
        other = artifacts.write(tmp_path / f"good-{name}", good)
        sources = {
            "baseline": Source.of(other, "a"),
            "candidate": Source.of(artifacts.write(tmp_path / name, rows), name),
        }
        with pytest.raises(DataError, match=f"{name}: .*{said}") as caught, open_engine(spark, sources):
            pass
        assert "duckdb" in caught.value.hint


def test_a_signal_stops_the_jobs(spark: Engine, tmp_path: Path) -> None:
    """The interrupt of a running query ends its jobs, and Spark stays usable."""
    assert spark.spark is not None
    tracker = spark.spark.sparkContext.statusTracker()
    sources = written(tmp_path, baseline=artifacts.rows(50, 1), candidate=artifacts.rows(50, 2))

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


def test_the_command_is_quiet_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """`--engine spark`: evidence, no word of Java's on the terminal, and no file where temporary ones are."""
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
    done = subprocess.run(
        [sys.executable, "-m", "ghmlops", "regression", *options],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary), "JAVA_TOOL_OPTIONS": LIGHT, "GITHUB_SHA": "0" * 40},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert not any(word in done.stderr for word in ("WARN", "Warning", "ERROR", "Picked up", "log4j", "Stage"))
    evidence = json.loads((tmp_path / "evidence" / "regression.json").read_text(encoding="utf-8"))
    assert next(f["n"] for f in evidence["findings"] if f["id"] == "contract-rows") == 2000
    assert list(temporary.iterdir()) == []


def test_what_is_missing_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java, memory, PySpark."""

    def said(memory: int = MEMORY) -> tuple[str, str]:
        with pytest.raises(InputError) as caught, start_engine(Engine(name="spark", memory=memory, master="local[1]")):
            pass
        return str(caught.value), caught.value.hint

    assert "memory limit of 1,000,000 bytes" in said(10**6)[0]
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert "needs Java" in said()[0]
    monkeypatch.delitem(sys.modules, "ghmlops.measure.predictions.engine.spark_start")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    message, hint = said()
    assert message == "engine spark needs pyspark, which is not installed"
    assert "ghmlops[spark]" in hint
