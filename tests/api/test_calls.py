"""`import ghmlops`: the same numbers as the command for tables of pandas, polars and pyarrow, and for paths."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import duckdb
import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import ghmlops
import prediction_artifacts as artifacts
from ghmlops.commands.regression.command import run
from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError, InputError, PolicyError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLICY = """
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  time: t
  window: 1w
  slices: [device, country]
  features: [device]
  artifacts: {baseline: baseline.parquet, candidate: candidate.parquet}
"""
SECTION: dict[str, Any] = {
    "task": "binary",
    "key": "id",
    "label": "y",
    "score": "s",
    "time": "t",
    "window": "1w",
    "slices": ["device", "country"],
    "features": ["device"],
}
SIMPLE: dict[str, Any] = {"task": "binary", "key": "id", "label": "y", "score": "s"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the artifacts of a baseline and of a worse candidate, and the evidence of the command on them."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "policy.yml").write_text(POLICY, encoding="utf-8")
    artifacts.write(folder / "baseline.parquet", artifacts.rows(6_000, 1))
    artifacts.write(folder / "candidate.parquet", artifacts.rows(6_000, 2, noise=1.0))
    services = Services(
        context=Context(head_sha="0123456789abcdef0123456789abcdef01234567", repository="acme/scorer"),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    assert run(Inputs(policy="policy.yml"), services).outcome is Outcome.FAIL
    return folder


def evidence(place: Path) -> Evidence:
    return decode((place / "evidence" / "regression.json").read_bytes(), Evidence, EVIDENCE_SCHEMA, "it")


def categorical(path: Path) -> pd.DataFrame:
    frame = pd.read_parquet(path)
    return frame.assign(device=frame["device"].astype("category"))


def record_batches(path: Path) -> pa.RecordBatchReader:
    return pq.read_table(path).to_reader(max_chunksize=777)


def polars_categories(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path).with_columns(pl.col("country").cast(pl.Categorical))


@pytest.mark.parametrize(
    "read",
    [
        pq.read_table,
        pd.read_parquet,
        categorical,
        pl.read_parquet,
        polars_categories,
        record_batches,
        lambda path: duckdb.read_parquet(str(path)),
        str,
        lambda path: path,
        lambda path: [path],
    ],
    ids=[
        "pyarrow",
        "pandas",
        "pandas-category",
        "polars",
        "polars-category",
        "stream",
        "duckdb",
        "text",
        "path",
        "list",
    ],
)
def test_the_numbers_are_those_of_the_command(place: Path, read: Callable[[Any], Any]) -> None:
    """Findings, measurements, details and fingerprints are equal to the bit, however the rows reach the library."""
    tables = [read(place / name) for name in ("baseline.parquet", "candidate.parquet")]
    result, file = ghmlops.compare(*tables, **SECTION), evidence(place)
    assert list(result.findings) == file.findings
    assert list(result.measurements) == file.measurements
    assert (result.outcome, result.reason_code, result.reason) == (file.outcome, file.reason_code, file.reason)
    assert result.fingerprints.items() <= file.provenance.fingerprints.items()
    assert set(result.fingerprints) == {"baseline", "candidate"}


def test_a_table_and_a_path(place: Path) -> None:
    """One side may be in memory and the other a file."""
    frame = pl.read_parquet(place / "candidate.parquet")
    result = ghmlops.compare(place / "baseline.parquet", frame, SECTION)
    assert list(result.findings) == evidence(place).findings


def test_labels_in_memory(place: Path) -> None:
    """Labels are joined by key from a table in memory."""
    tables = [pd.read_parquet(place / name) for name in ("baseline.parquet", "candidate.parquet")]
    bare = [table.drop(columns="y") for table in tables]
    expected = ghmlops.compare(*tables, **SIMPLE)
    result = ghmlops.compare(*bare, labels=tables[0][["id", "y"]], **SIMPLE)
    metrics = {f.id: f.change for f in expected.findings if f.id.startswith("regression-")}
    assert metrics
    assert {f.id: f.change for f in result.findings if f.id.startswith("regression-")} == metrics


def test_forms_of_the_policy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, a whole policy, its section and keywords are read alike; a file also names the artifacts."""
    monkeypatch.chdir(place)
    expected = evidence(place).findings
    whole = {"version": 1, "service": "scorer", "regression": SECTION}
    pair = ("baseline.parquet", "candidate.parquet")
    assert list(ghmlops.compare(policy="policy.yml").findings) == expected
    assert list(ghmlops.compare(*pair, whole).findings) == expected
    assert list(ghmlops.compare(*pair, SECTION).findings) == expected
    lenient = ghmlops.compare(*pair, SECTION, margins={"log-loss": 0.9}, minimum_rows=50)
    assert {f.margin for f in lenient.findings if f.id == "regression-log-loss"} != {
        f.margin for f in expected if f.id == "regression-log-loss"
    }


def test_the_result(place: Path) -> None:
    """A result has a table of findings, the sentences of the comment, and a representation in a notebook."""
    result = ghmlops.compare(place / "baseline.parquet", place / "candidate.parquet", **SECTION)
    frame = result.to_pandas()
    loss = frame[(frame["id"] == "regression-log-loss")].iloc[0]
    finding = next(f for f in result.findings if f.id == "regression-log-loss")
    assert finding.change is not None
    assert (loss["estimate"], loss["low"], loss["outcome"]) == (finding.change.estimate, finding.change.low, "fail")
    assert len(frame) == len(result.findings)
    assert not result.passed
    assert result.sentences[0].startswith("Predictions: ")
    assert result.sentences[0] in str(result)
    assert "regression-log-loss" in result._repr_html_()


def test_a_table_without_pandas(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback shows the installation that is missing below the message."""
    result = ghmlops.compare(place / "baseline.parquet", place / "candidate.parquet", **SECTION)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError) as caught:
        result.to_pandas()
    assert caught.value.__notes__ == ['pip install "ghmlops[pandas]"']


def test_hostile_names_in_a_notebook() -> None:
    """A value of the data cannot write HTML into a notebook."""
    columns = artifacts.rows(2_000, 1) | {"device": ["<script>alert(1)</script>"] * 2_000}
    worse = artifacts.rows(2_000, 2, noise=2) | {"device": columns["device"]}
    result = ghmlops.compare(pa.table(columns), pa.table(worse), **SIMPLE, slices=["device"])
    assert any(finding.slice for finding in result.findings)
    assert "<script>" not in result._repr_html_()


def test_assertion() -> None:
    """A regression raises with the sentence; equal predictions return the judgement; too few rows do not pass."""
    baseline, worse = (pa.table(artifacts.rows(6_000, 1, noise=noise)) for noise in (0.1, 2))
    with pytest.raises(AssertionError) as error:
        ghmlops.assert_no_regression(baseline, worse, **SIMPLE)
    assert ghmlops.compare(baseline, worse, **SIMPLE).sentences[0] in str(error.value)
    assert ghmlops.assert_no_regression(baseline, baseline.slice(0), **SIMPLE).passed
    few = [pa.table(artifacts.rows(60, seed)) for seed in (1, 2)]
    assert ghmlops.compare(*few, **SIMPLE).outcome is Outcome.INCONCLUSIVE
    with pytest.raises(AssertionError):
        ghmlops.assert_no_regression(*few, **SIMPLE)
    assert not ghmlops.assert_no_regression(*few, **SIMPLE, fail_on="fail").passed


TABLE = pa.table(artifacts.rows(300, 1))


@pytest.mark.parametrize(
    ("call", "error", "word"),
    [
        (lambda: ghmlops.compare(TABLE, TABLE, **SIMPLE), InputError, "both"),
        (lambda: ghmlops.compare(TABLE, None, **SIMPLE), InputError, "candidate"),
        (lambda: ghmlops.compare(TABLE, cast("Any", 7), **SIMPLE), InputError, "int"),
        (lambda: ghmlops.compare(TABLE, "no.parquet", **SIMPLE), DataError, "no.parquet"),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), **SIMPLE, scroe="s"), PolicyError, "scroe"),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), {"task": object()}), PolicyError, "object"),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), "no.yml"), PolicyError, "no.yml"),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), "no.yml", task="binary"), InputError, "task"),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), {"version": 1, "service": "s"}), PolicyError, "regression"),
        (lambda: ghmlops.compare(TABLE, TABLE.drop_columns("s"), **SIMPLE), DataError, '"s"'),
        (lambda: ghmlops.compare(TABLE, TABLE.slice(0), **SIMPLE, memory_limit="much"), InputError, "memory_limit"),
        (lambda: ghmlops.assert_no_regression(TABLE, TABLE.slice(0), **SIMPLE, fail_on="pass"), InputError, "pass"),
    ],
    ids=["same", "missing", "type", "path", "key", "value", "file", "both", "section", "column", "memory", "fail-on"],
)
def test_bad_input(call: Callable[[], object], error: type[Exception], word: str) -> None:
    """Bad input is an exception of ghmlops that names what is wrong, with its hint as a note."""
    with pytest.raises(error) as caught:
        call()
    assert word in str(caught.value)
    assert caught.value.__notes__


def test_import_is_light() -> None:
    """`import ghmlops` loads neither a heavy package nor the library, and an unknown name is an AttributeError."""
    program = """
import sys, ghmlops
assert ghmlops.__version__
assert not {"numpy", "duckdb", "pandas", "pyarrow", "msgspec", "ghmlops.api"} & set(sys.modules)
assert not hasattr(ghmlops, "no_such_name")
ghmlops.compare
assert not {"numpy", "duckdb", "pandas", "pyarrow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=60)


def test_a_missing_extra() -> None:
    """Without the packages of the extra, the error names the extra and the package."""
    program = """
import sys
sys.modules["duckdb"] = None
import ghmlops
from ghmlops.core.errors import InputError
try:
    ghmlops.compare("a.parquet", "b.parquet", task="binary", key="id", label="y", score="s")
except InputError as error:
    assert error.reason_code == "missing-extra"
    assert "duckdb" in error.message
    assert "ghmlops[regression]" in error.__notes__[0]
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-I", "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(("level", "spread"), [(0.0, 1.0), (1_234_567.0, 0.3), (1e9, 2.0), (-3e-8, 1e-9)])
def test_r2_of_labels_far_from_zero(level: float, spread: float) -> None:
    """R2 is that of scikit-learn, however far the labels are from zero compared with their spread."""
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(5)
    label = level + spread * generator.normal(size=2000)
    sides = [label + spread * size * generator.normal(size=2000) for size in (0.3, 0.6)]
    baseline, candidate = (pd.DataFrame({"id": range(2000), "y": label, "p": side}) for side in sides)
    policy = {"task": "regression", "key": "id", "label": "y", "prediction": "p", "margins": {"r2": 0.5}}
    result = ghmlops.compare(baseline, candidate, policy)
    (finding,) = (f for f in result.findings if f.metric == "r2")
    expected = [sklearn.r2_score(label, side) for side in sides]
    assert [finding.baseline, finding.candidate] == pytest.approx(expected, rel=1e-6)
