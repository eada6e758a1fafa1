"""Several targets on real artifacts: each target, means over them, and all labels of a row at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from sklearn import metrics as reference  # type: ignore[import-untyped]

import prediction_artifacts as artifacts
import several_targets as targets
from evidence_folders import POLICY, evidence
from ghmlops import api
from ghmlops.core.details.regression import regression_details
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.policyfile.document import read_regression_values
from ghmlops.core.verdict.expectation import expected_findings
from ghmlops.core.verdict.prediction_consistency import prediction_contradictions

if TYPE_CHECKING:
    from pathlib import Path

N = 3000


def compare(first: dict[str, Any], second: dict[str, Any], **keys: Any) -> api.Judgement:
    return api.compare(pa.table(first), pa.table(second), {**targets.MULTILABEL, **keys})


def by_place(judgement: api.Judgement) -> dict[tuple[str, str], Finding]:
    return {(f.dataset, f.id): f for f in judgement.findings if not f.slice}


def values(judgement: api.Judgement, arm: str) -> dict[str, float | None]:
    return {m.id: m.values["value"] for m in judgement.measurements if m.arm == arm}


def test_values_are_those_of_scikit_learn() -> None:
    """Every metric of each target, the means over them, subset accuracy and Hamming loss, to ten digits."""
    sides = {"baseline": targets.labelled(N, 1), "candidate": targets.labelled(N, 2, noise=0.5)}
    judgement = compare(*sides.values())
    for arm, columns in sides.items():
        measured = values(judgement, arm)
        y = np.stack([columns[f"y_{name}"] for name in targets.LABELS], axis=1)
        p = np.stack([columns[f"p_{name}"] for name in targets.LABELS], axis=1)
        d = (p >= 0.5).astype(int)
        expected = {
            "subset-accuracy": reference.accuracy_score(y, d),
            "hamming-loss": reference.hamming_loss(y, d),
            "macro-f1": reference.f1_score(y, d, average="macro"),
            "macro-precision": reference.precision_score(y, d, average="macro"),
            "macro-recall": reference.recall_score(y, d, average="macro"),
            "macro-auc": reference.roc_auc_score(y, p, average="macro"),
            "macro-average-precision": reference.average_precision_score(y, p, average="macro"),
            "target=y_b/f1": reference.f1_score(y[:, 1], d[:, 1]),
            "target=y_c/log-loss": reference.log_loss(y[:, 2], p[:, 2]),
        }
        assert {name: measured[name] for name in expected} == pytest.approx(expected, rel=1e-9), arm
    changed = np.zeros(N, bool)
    for name in targets.LABELS:
        changed |= (sides["baseline"][f"p_{name}"] >= 0.5) != (sides["candidate"][f"p_{name}"] >= 0.5)
    assert values(judgement, "candidate")["label-set-churn"] == pytest.approx(changed.mean())


def test_outputs_of_a_regression_have_uniform_averages() -> None:
    """RMSE, MAE and R2 of scikit-learn with `multioutput="uniform_average"`."""
    first, second = targets.outputs(N, 1), targets.outputs(N, 2)
    judgement = api.compare(pa.table(first), pa.table(second), targets.OUTPUTS)
    y, p = (np.stack([second[f"{kind}_a"], second[f"{kind}_b"]], axis=1) for kind in "yp")
    expected = {
        "mean-mae": reference.mean_absolute_error(y, p),
        "mean-rmse": reference.root_mean_squared_error(y, p),
        "mean-r2": reference.r2_score(y, p),
        "target=y_b/r2": reference.r2_score(y[:, 1], p[:, 1]),
    }
    measured = values(judgement, "candidate")
    assert {name: measured[name] for name in expected} == pytest.approx(expected, rel=1e-9)


def test_a_loss_on_one_output_fails_there_and_in_the_mean() -> None:
    """The other output passes."""
    shifted = targets.outputs(N, 2, shift=25.0)
    findings = by_place(api.compare(pa.table(targets.outputs(N, 1)), pa.table(shifted), targets.OUTPUTS))
    assert findings["target=y_b", "regression-mae"].outcome is Outcome.FAIL
    assert findings["target=y_a", "regression-mae"].outcome is Outcome.PASS
    assert findings["", "regression-mean-mae"].outcome is Outcome.FAIL


def test_a_loss_on_one_label_is_named_by_its_target() -> None:
    """In metrics, behaviour, slices and reasons; what is the same for all targets is reported once."""
    first, second = targets.labelled(N, 1), targets.labelled(N, 2, inverted="b")
    judgement = compare(first, second, slices=[["device"]], features=["device"])
    failed = {(f.dataset, f.id) for f in judgement.findings if f.outcome is Outcome.FAIL}
    assert {dataset for dataset, id_ in failed if id_.startswith("regression-")} == {"target=y_b", ""}
    assert {("", "regression-subset-accuracy"), ("", "regression-macro-auc"), ("", "slices-summary")} <= failed
    assert ("target=y_b", "slice-log-loss") in failed
    warned = {(f.dataset, f.id) for f in judgement.findings if f.outcome is Outcome.WARN}
    assert ("target=y_b", "scores-reordered") in warned
    slices = [f for f in judgement.findings if f.id == "slice-log-loss" and f.outcome is Outcome.FAIL]
    assert all("target y_b, device = " in f.reason for f in slices)
    details = regression_details(judgement.details)
    assert [row.dataset for row in details.drift if row.column == "device"] == [""]
    assert sum(note.what.endswith("the noise floor") for note in judgement.not_measured) == 1
    assert judgement.outcome is Outcome.FAIL
    assert any("y_b" in sentence for sentence in judgement.sentences)


def test_labels_that_are_not_there_yet_count_for_their_target() -> None:
    """NaN in one label: coverage, rows and findings of that target, and of what is computed over all labels."""
    first, second = targets.labelled(N, 1), targets.labelled(N, 2)
    missing = np.arange(N) % 5 == 0
    for columns in (first, second):
        columns["y_c"] = np.where(missing, np.nan, columns["y_c"])
    judgement = compare(first, second)
    findings = by_place(judgement)
    coverage = [f.dataset for f in judgement.findings if f.id == "contract-label-coverage"]
    assert coverage == ["target=y_c"]
    labelled = int((~missing).sum())
    assert findings["target=y_c", "regression-auc"].n == labelled
    assert findings["target=y_a", "regression-auc"].n == N
    assert findings["", "regression-subset-accuracy"].n == labelled
    for id_ in ("regression-subset-accuracy", "regression-hamming-loss", "regression-macro-auc"):
        assert findings["", id_].outcome is Outcome.INCONCLUSIVE, id_
    late = compare(first, second, **{"min-label-coverage": 0.5})
    assert "contract-label-coverage" not in {f.id for f in late.findings}
    assert by_place(late)["", "regression-macro-auc"].outcome is Outcome.PASS


def test_labels_may_come_from_a_file_and_data_sets_are_named(tmp_path: Path) -> None:
    """A target of a data set is `DATASET/target=LABEL`; the baseline may have other names of columns."""
    labels = {name: column for name, column in targets.labelled(N, 1).items() if name[:2] in ("id", "y_")}
    sides = {}
    for role, seed in (("baseline", 1), ("candidate", 2)):
        columns = {n: c for n, c in targets.labelled(N, seed).items() if n[:2] != "y_"}
        if role == "baseline":
            columns["old_b"] = columns.pop("p_b")
        sides[role] = str(artifacts.write(tmp_path / f"{role}.parquet", columns))
    sides["labels"] = str(artifacts.write(tmp_path / "labels.parquet", labels))
    policy = {
        **targets.MULTILABEL,
        "datasets": {"holdout": sides, "copy": sides},
        "baseline": {"p_b": "old_b"},
    }
    judgement = api.compare(policy=policy)
    places = by_place(judgement)
    for dataset in ("holdout", "copy"):
        assert places[f"{dataset}/target=y_b", "regression-auc"].n == N
        assert places[dataset, "regression-subset-accuracy"].n == N
        assert places[dataset, "regression-macro-auc"].outcome is Outcome.PASS
    assert {name.rpartition("/")[2] for name in judgement.fingerprints} == {"baseline", "candidate", "labels"}


def test_decisions_alone_need_no_score() -> None:
    """Subset accuracy and churn follow from the decisions; metrics of scores are left out."""
    first, second = targets.labelled(N, 1), targets.labelled(N, 2)
    for columns in (first, second):
        for name in targets.LABELS:
            columns[f"p_{name}"] = columns[f"p_{name}"] >= 0.5
    judgement = compare(first, second, score=[], prediction=targets.MULTILABEL["score"])
    measured = values(judgement, "candidate")
    y, d = (np.stack([second[f"{kind}_{name}"] for name in targets.LABELS], axis=1) for kind in "yp")
    assert measured["subset-accuracy"] == pytest.approx(reference.accuracy_score(y, d.astype(int)))
    assert "macro-auc" not in measured
    assert measured["macro-f1"] == pytest.approx(reference.f1_score(y, d, average="macro"))


def test_evidence_is_consistent_and_has_what_a_gate_expects() -> None:
    """The gate finds no contradiction, and every finding that the policy demands is there."""
    section = read_regression_values({**targets.MULTILABEL, "slices": [["device"]], "minimum-rows": 100})
    for inverted in ("", "b"):
        judgement = compare(
            targets.labelled(N, 1),
            targets.labelled(N, 2, inverted=inverted),
            **{"slices": [["device"]], "minimum-rows": 100},
        )
        document: Evidence = evidence(
            "regression",
            list(judgement.findings),
            measurements=list(judgement.measurements),
            not_measured=list(judgement.not_measured),
            details=judgement.details,
        )
        assert list(prediction_contradictions(document, section)) == []
        present = {(f.dataset, f.id) for f in judgement.findings}
        expected = expected_findings(msgspec.structs.replace(POLICY, regression=section), "regression")
        assert {(item.dataset, item.id) for item in expected} <= present
        assert ("target=y_c", "regression-auc") in {(item.dataset, item.id) for item in expected}


def test_row_weights_count_in_every_target_and_in_all_labels_at_once() -> None:
    """`sample_weight` of scikit-learn."""
    weight = np.arange(N) % 3 + 1.0
    first, second = ({**targets.labelled(N, seed), "w": weight} for seed in (1, 2))
    measured = values(compare(first, second, weight="w"), "candidate")
    y, p = (np.stack([second[f"{kind}_{name}"] for name in targets.LABELS], axis=1) for kind in "yp")
    d = (p >= 0.5).astype(int)
    expected = {
        "subset-accuracy": reference.accuracy_score(y, d, sample_weight=weight),
        "hamming-loss": reference.hamming_loss(y, d, sample_weight=weight),
        "macro-f1": reference.f1_score(y, d, average="macro", sample_weight=weight),
        "macro-auc": reference.roc_auc_score(y, p, average="macro", sample_weight=weight),
    }
    assert {name: measured[name] for name in expected} == pytest.approx(expected, rel=1e-9)
