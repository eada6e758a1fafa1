"""`ghmlops regression` on several targets and on texts: dry run, evidence, replay."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import prediction_artifacts as artifacts
import several_targets as targets
from ghmlops.commands.regression.command import run
from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

N = 400
TEXT = {"task": "text", "key": ["id"], "prediction": "answer", "label": "ref", "changed-rows": {"rows": 3}}


def texts(seed: int) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    answers = ["right" if draw.random() < 1.4 - 0.4 * seed else "<b>wrong</b>" for _ in range(N)]
    return {"id": np.arange(N), "ref": ["right"] * N, "answer": answers}


def regression(place: Path, **inputs: Any) -> Result:
    services = Services(
        context=Context(), environ={}, cwd=place, now=lambda: datetime.now(UTC), console=Console(io.StringIO())
    )
    return run(Inputs(policy="policy.yml", **inputs), services)


CASES: list[tuple[dict[str, Any], Callable[[int], dict[str, Any]], set[tuple[str, str]]]] = [
    (
        targets.MULTILABEL,
        lambda seed: targets.labelled(N, seed, inverted="b" if seed == 2 else ""),
        {("target=y_b", "regression-auc"), ("", "regression-subset-accuracy")},
    ),
    (
        targets.OUTPUTS,
        lambda seed: targets.outputs(N, seed, shift=100.0 * (seed - 1)),
        {("target=y_b", "regression-mae"), ("", "regression-mean-mae")},
    ),
    (TEXT, texts, {("", "regression-normalised-match")}),
]


@pytest.mark.parametrize(("section", "make", "failures"), CASES, ids=["multilabel", "outputs", "text"])
def test_a_loss_is_evidence_that_can_be_replayed(
    section: dict[str, Any],
    make: Callable[[int], dict[str, Any]],
    failures: set[tuple[str, str]],
    tmp_path: Path,
) -> None:
    """The dry run names the metrics, the run fails where the loss is, and its replay gives the same numbers."""
    for role, seed in (("baseline", 1), ("candidate", 2)):
        artifacts.write(tmp_path / f"{role}.parquet", make(seed))
    sides = {"baseline": "baseline.parquet", "candidate": "candidate.parquet"}
    policy = {"version": 1, "service": "s", "regression": {**section, "artifacts": sides}}
    (tmp_path / "policy.yml").write_text(json.dumps(policy), encoding="utf-8")
    planned = regression(tmp_path, dry_run=True)
    assert (planned.outcome, planned.reason_code) == (Outcome.PASS, "dry-run")
    assert all(id_.removeprefix("regression-") in planned.text for _, id_ in failures)
    assert regression(tmp_path).outcome is Outcome.FAIL
    written = (tmp_path / "evidence/regression.json").read_bytes()
    evidence = decode(written, Evidence, EVIDENCE_SCHEMA, "regression.json")
    assert failures <= {(f.dataset, f.id) for f in evidence.findings if f.outcome is Outcome.FAIL}
    assert regression(tmp_path, replay="evidence/regression.json").outcome is Outcome.PASS
