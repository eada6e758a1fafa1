"""The second baseline of the same recipe gives the spread of slices and windows."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

import prediction_artifacts as artifacts
from ghmlops.commands.regression.command import run
from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from pathlib import Path

N, STORES = 24_000, 40
POLICY = """
version: 1
service: scorer
regression:
  task: regression
  key: [id]
  label: y
  prediction: f
  slices: [store]
  margins: {bias: 50%, mae: 50%, rmse: 50%, pinball: 50%}
  artifacts: {baseline: baseline.parquet, candidate: candidate.parquet, noise: noise.parquet}
"""


def predictions(seed: int, worse: tuple[int, ...] = ()) -> dict[str, object]:
    """Rows of 40 stores; a model of another seed moves each store by itself, and some stores lose their signal."""
    shared, own = np.random.default_rng(1), np.random.default_rng(seed)
    store = np.arange(N) % STORES
    signal = shared.normal(size=N)
    label = signal + shared.normal(0, 0.5, N)
    forecast = signal + own.normal(0, 0.2, STORES)[store] + own.normal(0, 0.1, N)
    broken = np.isin(store, worse)
    return {"id": np.arange(N), "y": label, "f": np.where(broken, -2.0 * signal, forecast), "store": store}


def judge(folder: Path, *, worse: tuple[int, ...] = ()) -> Evidence:
    """Compare a baseline with another seed, which has lost its signal in the stores `worse`."""
    (folder / "p.yml").write_text(POLICY, encoding="utf-8")
    for name, seed in (("baseline", 1), ("noise", 2), ("candidate", 3)):
        artifacts.write(folder / f"{name}.parquet", predictions(seed, worse if name == "candidate" else ()))
    services = Services(
        context=Context(head_sha="0" * 39 + "1", repository="acme/scorer"),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    run(Inputs(policy="p.yml"), services)
    content = (folder / "evidence" / "regression.json").read_bytes()
    return decode(content, Evidence, EVIDENCE_SCHEMA, "regression.json")


def failed_stores(evidence: Evidence) -> set[object]:
    return {f.slice["store"] for f in evidence.findings if f.outcome is Outcome.FAIL and f.slice}


def test_stores_that_another_seed_moves_do_not_fail(tmp_path: Path) -> None:
    """No store fails, and the summary states that the changes vary by more than sampling explains."""
    evidence = judge(tmp_path)
    assert failed_stores(evidence) == set()
    summary = next(f for f in evidence.findings if f.id == "slices-summary")
    assert "times as much" in summary.method


def test_stores_without_signal_fail_even_if_they_are_most_of_all(tmp_path: Path) -> None:
    """A majority of faulty stores would be the spread itself; that of the second baseline is not changed by them."""
    worse = tuple(range(30))
    assert failed_stores(judge(tmp_path, worse=worse)) == set(worse)
