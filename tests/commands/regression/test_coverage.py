"""Rows that are not judged cannot pass: every task, every reason of leaving rows out, on either side."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.commands.regression.command import run
from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context

if TYPE_CHECKING:
    from pathlib import Path

N = 3000
NAN, INF = float("nan"), float("inf")
POLICIES = {
    "binary": "task: binary\n  label: y\n  score: s",
    "multiclass": "task: multiclass\n  label: y\n  score: v\n  classes: [a, b, c]",
    "regression": "task: regression\n  label: y\n  prediction: s",
    "forecast": "task: regression\n  label: y\n  prediction: s\n  time: t\n  window: 1d",
    "ranking": "task: ranking\n  label: y\n  score: s\n  query: q",
    "embedding": "task: embedding\n  score: v\n  margins: {cosine-distance: 0.1}",
}


def side(task: str) -> dict[str, Any]:
    """Return a side without a fault; both sides of a test begin with the same one."""
    rng = np.random.default_rng(5)
    content: dict[str, Any] = {"id": list(range(N))}
    if task == "embedding":
        return content | {"v": rng.normal(size=(N, 4)).tolist()}
    if task == "multiclass":
        vectors = rng.dirichlet(np.ones(3), N)
        classes = [["a", "b", "c"][int(np.argmax(rng.multinomial(1, v)))] for v in vectors]
        return content | {"v": vectors.tolist(), "y": classes}
    score = rng.random(N)
    if task in ("regression", "forecast"):
        content |= {"s": score.tolist(), "y": (score + rng.normal(0, 0.1, N)).tolist()}
        if task == "forecast":
            content["t"] = [np.datetime64("2025-03-01", "us") + np.timedelta64(i * 300, "s") for i in range(N)]
        return content
    label = (rng.random(N) < score).astype(int)
    return (
        content
        | {"s": score.tolist(), "y": label.tolist()}
        | ({"q": [i // 10 for i in range(N)]} if task == "ranking" else {})
    )


def judge(
    folder: Path,
    task: str,
    sides: tuple[dict[str, Any], dict[str, Any]],
    more: str = "",
    labels: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Run the command and return its outcome, its findings by id, and its evidence."""
    policy = f"version: 1\nservice: cases\nregression:\n  {POLICIES[task]}\n  key: [id]\n"
    policy += "".join(f"  {line}\n" for line in more.splitlines())
    (folder / "p.yml").write_text(policy, encoding="utf-8")
    for name, content in zip(("b", "c"), sides, strict=True):
        artifacts.write(folder / f"{name}.parquet", content)
    inputs: dict[str, Any] = {"policy": "p.yml", "baseline": "b.parquet", "candidate": "c.parquet"}
    if labels is not None:
        artifacts.write(folder / "l.parquet", labels)
        inputs["labels"] = "l.parquet"
    services = Services(
        context=Context(head_sha="0" * 39 + "1", repository="acme/cases"),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    run(Inputs(**inputs), services)
    evidence: dict[str, Any] = json.loads((folder / "evidence" / "regression.json").read_text(encoding="utf-8"))
    outcomes = {finding["id"]: finding["outcome"] for finding in evidence["findings"]}
    return {"outcome": evidence["outcome"], "findings": outcomes, "evidence": evidence}


def spoil(content: dict[str, Any], task: str, fault: str, share: float) -> dict[str, Any]:
    """Return the side with a fault in the last rows, whole queries at a time for a ranking."""
    count = int(N * share)
    column = "v" if task in ("multiclass", "embedding") else "s"
    result = {name: list(values) for name, values in content.items()}
    rows = range(N - count, N)
    if fault == "missing":
        return {name: values[: N - count] for name, values in result.items()}
    for i in rows:
        if fault == "null key":
            result["id"][i] = None
        elif fault == "null class":
            result["d"][i] = None
        elif fault == "null query":
            result["q"][i] = None
        elif fault == "null":
            result[column][i] = None
        elif column == "v":
            result[column][i] = [NAN if fault == "nan" else INF if fault == "inf" else 7.0, *result[column][i][1:]]
        else:
            result[column][i] = {"nan": NAN, "inf": INF, "out of range": 1.5}[fault]
    return result


FAULTS = [
    *((task, fault) for task in POLICIES for fault in ("null", "nan", "inf", "missing", "null key")),
    ("binary", "out of range"),
    ("multiclass", "out of range"),
    ("ranking", "null query"),
]


@pytest.mark.parametrize("spoiled", [0, 1], ids=["baseline", "candidate"])
@pytest.mark.parametrize(("task", "fault"), FAULTS)
def test_rows_left_out_of_either_side_cannot_pass(task: str, fault: str, spoiled: int, tmp_path: Path) -> None:
    """A twentieth of the rows left out for any reason is inconclusive at best, and says so; equal sides pass."""
    good = side(task)
    sides = [good, good]
    sides[spoiled] = spoil(good, task, fault, 0.05)
    result = judge(tmp_path, task, (sides[0], sides[1]))
    assert result["findings"]["contract-left-out"] == "inconclusive"
    assert result["outcome"] in ("inconclusive", "fail")


@pytest.mark.parametrize("task", POLICIES)
def test_equal_sides_pass(task: str, tmp_path: Path) -> None:
    """Without a fault nothing is left out."""
    result = judge(tmp_path, task, (side(task), side(task)))
    assert result["outcome"] == "pass"


@pytest.mark.parametrize("spoiled", [0, 1], ids=["baseline", "candidate"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_decisions_that_are_no_class_cannot_pass(task: str, spoiled: int, tmp_path: Path) -> None:
    """A twentieth of null decisions is left out of both sides."""
    good = side(task)
    good["d"] = (
        [int(s >= 0.5) for s in good["s"]] if task == "binary" else ["abc"[int(np.argmax(v))] for v in good["v"]]
    )
    sides = [good, good]
    sides[spoiled] = spoil(good, task, "null class", 0.05)
    result = judge(tmp_path, task, (sides[0], sides[1]), "prediction: d")
    assert result["findings"]["contract-left-out"] == "inconclusive"
    assert result["outcome"] in ("inconclusive", "fail")


def test_rows_without_a_time_cannot_pass_a_verdict_on_windows(tmp_path: Path) -> None:
    """A twentieth of the rows is in no window."""
    good = side("forecast")
    good["t"] = [None if i % 20 == 0 else t for i, t in enumerate(good["t"])]
    result = judge(tmp_path, "forecast", (good, good))
    assert result["findings"]["contract-null-time"] == "inconclusive"
    assert result["outcome"] == "inconclusive"


def turned_round(task: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the side with its predictions turned round in the last nine tenths of the rows."""
    start, result = N // 10, {name: list(values) for name, values in content.items()}
    for i in range(start, N):
        if task == "multiclass":
            result["v"][i] = result["v"][i][1:] + result["v"][i][:1]
        elif task == "embedding":
            result["v"][i] = result["v"][(i + 1 - start) % (N - start) + start]
        else:
            result["s"][i] = 1.0 - result["s"][i]
    return result


BEHAVIOUR = {
    "binary": "scores-reordered",
    "multiclass": "decisions-reordered",
    "regression": "scores-reordered",
    "forecast": "scores-reordered",
    "ranking": "scores-reordered",
}


@pytest.mark.parametrize("separate", [False, True], ids=["with labels", "labels in a file"])
@pytest.mark.parametrize("task", BEHAVIOUR)
def test_behaviour_is_judged_on_rows_without_a_label(task: str, separate: bool, tmp_path: Path) -> None:
    """A candidate that is turned round in the nine tenths of the rows without a label is inconclusive, and warns."""
    good = side(task)
    labels = {"id": good["id"][: N // 10], "y": good["y"][: N // 10]}
    if separate:
        good = {name: values for name, values in good.items() if name != "y"}
    else:
        good["y"] = pa.array([y if i < N // 10 else None for i, y in enumerate(good["y"])])
    sides = good, turned_round(task, {**good, "y": good["y"].to_pylist()} if "y" in good else good)
    judged = judge(tmp_path, task, sides, labels=labels if separate else None)
    assert judged["findings"]["contract-label-coverage"] == "inconclusive"
    assert judged["findings"][BEHAVIOUR[task]] == "warn"
    assert judged["outcome"] == "inconclusive"
    late_labels = judge(tmp_path, task, sides, "min-label-coverage: 5%", labels if separate else None)
    assert "contract-label-coverage" not in late_labels["findings"]
    assert late_labels["findings"][BEHAVIOUR[task]] == "warn"
    ranks = late_labels["evidence"]["details"].get("rank")
    assert task == "multiclass" or (ranks[0]["rows"] == N and ranks[0]["spearman"] < 0)


def test_too_many_labels_missing_make_quality_inconclusive(tmp_path: Path) -> None:
    """With 2 % of the labels missing no metric of quality passes; the positive rate, which needs none, does."""
    good = side("binary")
    good["y"] = pa.array([None if i % 50 == 0 else y for i, y in enumerate(good["y"])])
    judged = judge(tmp_path, "binary", (good, good))["findings"]
    assert (judged["regression-accuracy"], judged["regression-auc"]) == ("inconclusive", "inconclusive")
    assert judged["regression-positive-rate"] == "pass"


def test_random_vectors_do_not_pass_on_the_contract_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a margin for the cosine distance nothing judges embeddings; with one, random vectors fail."""
    first = side("embedding")
    second = first | {"v": np.random.default_rng(6).normal(size=(N, 4)).tolist()}
    monkeypatch.setitem(POLICIES, "embedding", "task: embedding\n  score: v")
    result = judge(tmp_path, "embedding", (first, second))
    assert (result["outcome"], result["findings"]["contract-only"]) == ("inconclusive", "inconclusive")
    judged = judge(tmp_path, "embedding", (first, second), "margins: {cosine-distance: 0.1}")
    assert judged["outcome"] == "fail"
    unchanged = judge(tmp_path, "embedding", (first, first), "intent: unchanged")
    assert unchanged["outcome"] == "pass"


def test_a_ranking_without_a_relevant_document_is_not_judged(tmp_path: Path) -> None:
    """All documents are irrelevant: no order is better than another, and the verdict is inconclusive."""
    good = side("ranking") | {"y": [0] * N}
    result = judge(tmp_path, "ranking", (good, good))
    assert (result["outcome"], result["findings"]["contract-only"]) == ("inconclusive", "inconclusive")


@pytest.mark.parametrize("copied", [0, 1], ids=["baseline", "candidate"])
def test_copies_do_not_hide_a_loss(copied: int, tmp_path: Path) -> None:
    """Nine tenths of the keys occur twice as exact copies, and the candidate is turned round there: a failure."""
    good = side("binary")
    sides = [good, turned_round("binary", good)]
    sides[copied] = {name: [*values, *values[N // 10 :]] for name, values in sides[copied].items()}
    result = judge(tmp_path, "binary", (sides[0], sides[1]))
    assert (result["outcome"], result["findings"]["contract-repeated-key"]) == ("fail", "warn")
    assert result["findings"]["regression-accuracy"] == "fail"
    assert next(m["n"] for m in result["evidence"]["measurements"] if m["id"] == "accuracy") == N


def test_unjudged_documents_are_left_out_if_the_policy_says_so(tmp_path: Path) -> None:
    """Documents without a label that push a relevant one down count as irrelevant, and not at all with `left-out`."""
    good = side("ranking")
    good["y"] = pa.array([None if i % 10 else 1 for i in range(N)])
    good["s"] = [0.5 if i % 10 == 0 else 0.1 for i in range(N)]
    pushed = {**good, "s": [0.5 if i % 10 == 0 else 0.9 for i in range(N)]}
    assert judge(tmp_path, "ranking", (good, pushed))["findings"]["regression-ndcg"] == "fail"
    left_out = judge(tmp_path, "ranking", (good, pushed), "unjudged: left-out")
    assert left_out["findings"]["regression-ndcg"] == "pass"


def test_nulls_within_a_query_are_counted(tmp_path: Path) -> None:
    """A custom metric that is null for a tenth of the documents is inconclusive, though every query has an average."""
    good = side("ranking")
    good["f"] = [None if i % 10 == 0 else 1.0 for i in range(N)]
    metric = 'metrics:\n  shown: {sql: "score * f", direction: higher, margin: 0.5}'
    result = judge(tmp_path, "ranking", (good, good), metric)
    assert result["findings"]["regression-shown"] == "inconclusive"
    why = next(item["why"] for item in result["evidence"]["not_measured"] if item["what"] == "shown of some rows")
    assert why.count(f"300 of {N:,}") == 2
