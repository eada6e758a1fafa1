"""`ghmlops backtest`: past runs of real artifacts, judged again by looser and stricter policies."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import prediction_artifacts as artifacts
from ghmlops.commands import backtest
from ghmlops.commands.regression.command import run as compare
from ghmlops.commands.regression.inputs import Inputs as RegressionInputs
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.errors import DataError, EvidenceError
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
version: 1
service: scorer
regression:
  task: binary
  key: [id]
  label: y
  score: s
  drift: {{psi: 99}}
  undecided: warn
  margins: {{{margins}}}
"""
METRICS: tuple[str, ...] = (
    "accuracy",
    "balanced-accuracy",
    "precision",
    "recall",
    "f1",
    "mcc",
    "auc",
    "average-precision",
    "log-loss",
)
METRICS += ("brier", "ece", "calibration-slope", "positive-rate", "negative-flips", "positive-flips", "churn")
LOOSE = ", ".join(f"{name}: 0.99" for name in METRICS)
STRICT = f"{LOOSE}, auc: 0.0001".replace("auc: 0.99, ", "")
COMMITS = {"good": "a" * 40, "worse": "b" * 40}


def services(place: Path, commit: str = "c" * 40) -> Services:
    return Services(
        context=Context(head_sha=commit, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the evidence of two past runs, which passed by a loose policy, and their artifacts beside it."""
    (tmp_path / "loose.yml").write_text(POLICY.format(margins=LOOSE), encoding="utf-8")
    (tmp_path / "strict.yml").write_text(POLICY.format(margins=STRICT), encoding="utf-8")
    for name, noise in (("good", 0.1), ("worse", 1.0)):
        folder = tmp_path / "pairs" / name
        folder.mkdir(parents=True)
        artifacts.write(folder / "baseline.parquet", artifacts.rows(6_000, 1))
        artifacts.write(folder / "candidate.parquet", artifacts.rows(6_000, 1, noise=noise))
        inputs = RegressionInputs(
            policy="loose.yml",
            baseline=f"pairs/{name}/baseline.parquet",
            candidate=f"pairs/{name}/candidate.parquet",
            evidence_dir=f"past/{name}",
        )
        assert not compare(inputs, services(tmp_path, COMMITS[name])).outcome.severity >= Outcome.FAIL.severity
    return tmp_path


def judged(place: Path, **inputs: Any) -> dict[str, dict[str, Any]]:
    result = backtest.run(backtest.Inputs(**inputs), services(place))
    assert result.outcome is Outcome.PASS
    return {row["run"]: row for row in result.data["runs"]}


def test_a_stricter_policy_fails_a_past_run(place: Path) -> None:
    """The stored evidence of a run that lost accuracy fails by a small margin, and the other one does not."""
    rows = judged(place, policy="strict.yml", evidence_dir="past")
    assert (rows["worse"]["after"], rows["worse"]["decisive"]) == ("fail", "regression-auc")
    assert rows["worse"]["commit"] == COMMITS["worse"]
    assert rows["worse"]["before"] != "fail"
    assert rows["good"]["after"] == rows["good"]["before"]
    assert rows["worse"]["judged"] > 5
    result = backtest.run(backtest.Inputs(policy="strict.yml", evidence_dir="past"), services(place))
    assert result.data["newly_failing"] == ["worse"]
    assert "regression-auc" in result.text


def test_the_same_policy_changes_nothing(place: Path) -> None:
    """By the policy of the evidence each run has its old outcome."""
    rows = judged(place, policy="loose.yml", evidence_dir="past")
    assert all(row["after"] == row["before"] for row in rows.values())


@pytest.mark.parametrize("policy", ["loose.yml", "strict.yml"])
def test_artifacts_and_evidence_agree(place: Path, policy: str) -> None:
    """Pairs of artifacts are measured in full; the outcomes are those that the stored numbers give."""
    stored = judged(place, policy=policy, evidence_dir="past")
    measured = judged(place, policy=policy, evidence_dir="pairs")
    assert {name: row["after"] for name, row in measured.items()} == {n: row["after"] for n, row in stored.items()}
    assert {row["before"] for row in measured.values()} == {None}


def test_what_cannot_be_judged(place: Path) -> None:
    """An empty folder, a damaged file and a pair without a baseline are errors that name the run."""
    with pytest.raises(EvidenceError) as missing:
        judged(place, policy="loose.yml", evidence_dir="none")
    assert "none" in missing.value.message
    (place / "past" / "good" / "regression.json").write_text("{", encoding="utf-8")
    with pytest.raises(EvidenceError) as damaged:
        judged(place, policy="loose.yml", evidence_dir="past")
    assert "good/regression.json" in damaged.value.message
    (place / "pairs" / "worse" / "baseline.parquet").unlink()
    with pytest.raises(DataError) as absent:
        judged(place, policy="loose.yml", evidence_dir="pairs")
    assert "worse/baseline.parquet" in absent.value.message


def test_dry_run(place: Path) -> None:
    """A dry run counts the runs and measures nothing."""
    result = backtest.run(backtest.Inputs(policy="loose.yml", evidence_dir="past", dry_run=True), services(place))
    assert result.reason_code == "dry-run"
    assert json.dumps(result.data) == "{}"
