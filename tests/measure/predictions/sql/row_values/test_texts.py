"""Texts as predictions, read from files: matches, edit distances, scores of a judge, and changed rows."""

from __future__ import annotations

import re
import string
import unicodedata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops import api
from ghmlops.core.details.regression import regression_details
from ghmlops.core.errors import DataError, InputError
from ghmlops.core.model import Outcome
from ghmlops.core.text.edit_distance import edit_distance
from ghmlops.measure.predictions.engine.spark_dialect import SparkDialect
from ghmlops.measure.predictions.sql.row_values.texts import MAX_EDITED_LENGTH, prepare_texts

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.core.model import Finding
    from ghmlops.measure.predictions.engine.session import Session

N = 1500
POLICY: dict[str, Any] = {"task": "text", "key": ["id"], "label": "ref", "prediction": "answer", "score": "judge"}
PIECES = [
    "a",
    "an",
    "the",
    "The",
    "año",
    "thé",
    " ",
    "  ",
    "\t",
    "\u00a0",
    "\n",
    ",",
    "!",
    "_",
    "-",
    "“",
    "é",
    "e\u0301",
]


def references(n: int = N) -> list[str]:
    draw = np.random.default_rng(1)
    words = ["the", "a", "red", "blue", "fox", "dog", "house", "café", "naïve", "12", "3.5"]
    return [" ".join(draw.choice(words, 8)) for _ in range(n)]


def answers(seed: int, *, wrong: float, style: float = 0.1, judged: float = 4.0, n: int = N) -> dict[str, Any]:
    """Return answers of which shares are wrong, or differ from the reference in case, article and punctuation only."""
    draw = np.random.default_rng(seed)
    texts = []
    for text in references(n):
        answer = f"{text} or so" if draw.random() < wrong else text
        texts.append(f"The {answer.upper()}!" if draw.random() < style else answer)
    return {
        "id": np.arange(n),
        "ref": references(n),
        "answer": texts,
        "judge": np.round(draw.normal(judged, 1, n), 3),
        "topic": np.where(np.arange(n) % 2, "x", "y"),
    }


def squad(text: str) -> str:
    """Return the text as the evaluation script of SQuAD 1.1 normalises it, after NFC."""
    text = unicodedata.normalize("NFC", text).lower()
    text = "".join(c for c in text if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def compare(first: dict[str, Any], second: dict[str, Any], **keys: Any) -> api.Judgement:
    return api.compare(pa.table(first), pa.table(second), {**POLICY, **keys})


def values(judgement: api.Judgement, arm: str = "candidate") -> dict[str, float | None]:
    return {m.id: m.values["value"] for m in judgement.measurements if m.arm == arm}


def findings(judgement: api.Judgement) -> dict[str, Finding]:
    return {finding.id: finding for finding in judgement.findings if not finding.slice}


def test_values_are_those_of_the_definitions() -> None:
    """Matches, distances and means of both sides, and what changed between them, to ten digits."""
    first, second = answers(1, wrong=0.2), answers(2, wrong=0.5, judged=3.0)
    judgement = compare(first, second)
    ref = first["ref"]
    for arm, side in (("baseline", first), ("candidate", second)):
        texts = side["answer"]
        distances = [edit_distance(a, r) / max(len(a), len(r)) for a, r in zip(texts, ref, strict=True)]
        expected = {
            "exact-match": np.mean([a == r for a, r in zip(texts, ref, strict=True)]),
            "normalised-match": np.mean([squad(a) == squad(r) for a, r in zip(texts, ref, strict=True)]),
            "edit-distance": np.mean(distances),
            "judge-score": np.mean(side["judge"]),
        }
        measured = values(judgement, arm)
        assert {name: measured[name] for name in expected} == pytest.approx(expected, rel=1e-9), arm
    pairs = list(zip(first["answer"], second["answer"], strict=True))
    changed = {
        "answer-churn": np.mean([a != b for a, b in pairs]),
        "normalised-churn": np.mean([squad(a) != squad(b) for a, b in pairs]),
        "answer-distance": np.mean([edit_distance(a, b) / max(len(a), len(b)) for a, b in pairs]),
    }
    measured = values(judgement)
    assert {name: measured[name] for name in changed} == pytest.approx(changed, rel=1e-9)
    outcomes = {id_: finding.outcome for id_, finding in findings(judgement).items()}
    assert outcomes["regression-normalised-match"] is Outcome.FAIL
    assert outcomes["regression-judge-score"] is Outcome.FAIL
    assert outcomes["drift-psi"] is Outcome.WARN
    assert [row.column for row in regression_details(judgement.details).drift] == ["judge"]


def test_normalisation_is_that_of_squad() -> None:
    """On random texts of articles, blanks, punctuation, letters beyond ASCII and combining marks."""
    draw = np.random.default_rng(5)
    first, second = (["".join(draw.choice(PIECES, draw.integers(0, 6))) for _ in range(4000)] for _ in range(2))
    sides = ({"id": np.arange(4000), "answer": texts, "ref": first} for texts in (first, second))
    judgement = compare(*sides, score=[])
    expected = np.mean([squad(a) == squad(b) for a, b in zip(first, second, strict=True)])
    assert 0.01 < expected < 0.5
    assert values(judgement)["normalised-match"] == pytest.approx(expected)
    assert values(judgement)["normalised-churn"] == pytest.approx(1 - expected)


def test_without_labels_a_judge_decides_and_without_both_nothing_passes() -> None:
    """A comparison of texts alone is inconclusive, unless a margin or `intent: unchanged` judges the changes."""
    first, second = answers(1, wrong=0.0, style=0.0, n=3000), answers(2, wrong=0.3, n=3000)
    judged = compare(first, second, label=[])
    assert "contract-labels-missing" not in findings(judged)
    assert "regression-judge-score" in findings(judged)
    alone = compare(first, second, label=[], score=[])
    assert findings(alone)["contract-only"].outcome is Outcome.INCONCLUSIVE
    limited = compare(first, second, label=[], score=[], margins={"normalised-churn": 0.1, "answer-churn": 0.9})
    assert findings(limited)["regression-normalised-churn"].outcome is Outcome.FAIL
    assert findings(limited)["regression-answer-churn"].outcome is Outcome.PASS
    unchanged = compare(first, first | {"topic": first["topic"]}, label=[], score=[], intent="unchanged")
    assert findings(unchanged)["predictions-changed"].outcome is Outcome.PASS
    changed = compare(first, second, label=[], score=[], intent="unchanged")
    assert findings(changed)["predictions-changed"].outcome is Outcome.FAIL


def test_slices_and_rows_that_cannot_be_judged() -> None:
    """A slice is tested by normalised match and judge's score; missing answers, labels and scores are counted."""
    first, second = answers(1, wrong=0.1), answers(2, wrong=0.1)
    second["answer"] = [
        f"{a} no" if topic == "x" else a for a, topic in zip(second["answer"], second["topic"], strict=True)
    ]
    second["answer"][:3] = [None] * 3
    second["judge"][:600] = np.nan
    first["ref"] = [None if i % 10 == 5 else text for i, text in enumerate(first["ref"])]
    del second["ref"]
    judgement = compare(first, second, slices=[["topic"]])
    slices = {f.id: f for f in judgement.findings if f.slice == {"topic": "x"} and f.outcome is Outcome.FAIL}
    assert list(slices) == ["slice-normalised-match"]
    by_id = findings(judgement)
    assert (by_id["contract-unusable-prediction"].outcome, by_id["contract-unusable-prediction"].n) == (Outcome.FAIL, 3)
    assert by_id["contract-label-coverage"].outcome is Outcome.INCONCLUSIVE
    assert (by_id["regression-judge-score"].outcome, by_id["regression-judge-score"].n) == (
        Outcome.INCONCLUSIVE,
        N - 600,
    )


def test_long_texts_have_no_edit_distance_and_are_counted() -> None:
    """The metric is inconclusive if they are more than 1 %; matches are exact at any length."""
    first, second = answers(1, wrong=0.0, style=0.0), answers(1, wrong=0.0, style=0.0)
    for side in (first, second):
        side["ref"] = [f"{'é' * MAX_EDITED_LENGTH}x" if i < 30 else r for i, r in enumerate(side["ref"])]
        side["answer"] = list(side["ref"])
    second["answer"][0] += "y"
    judgement = compare(first, second, score=[], margins={"edit-distance": 0.1, "exact-match": 0.01})
    by_id = findings(judgement)
    assert (by_id["regression-edit-distance"].n, by_id["regression-edit-distance"].outcome) == (
        N - 30,
        Outcome.INCONCLUSIVE,
    )
    assert by_id["regression-exact-match"].candidate == pytest.approx(1 - 1 / N)
    assert any("edit distance" in note.what for note in judgement.not_measured)


def test_changed_rows_are_side_by_side_and_hostile_text_stays_text(tmp_path: Path) -> None:
    """The worst first, with label and scores, shortened; a mask hides an answer, a hash is that of the whole text."""
    first, second = answers(1, wrong=0.0, style=0.0), answers(2, wrong=0.0, style=0.0)
    second["answer"][7] = "<script>alert(1)</script> | `x` @someone " + "z" * 400
    second["judge"][7] = first["judge"][7] - 9
    labels = {"id": first["id"], "ref": first.pop("ref")}
    del second["ref"]
    paths = {
        role: str(artifacts.write(tmp_path / f"{role}.parquet", columns))
        for role, columns in (("baseline", first), ("candidate", second), ("labels", labels))
    }
    keys: dict[str, Any] = {**POLICY, "changed-rows": {"rows": 5, "show": ["topic"]}}
    judgement = api.compare(policy=keys, **paths)
    (row,) = regression_details(judgement.details).changed_rows
    assert list(row.values) == [
        "id",
        "topic",
        "label",
        "baseline",
        "candidate",
        "baseline judge",
        "candidate judge",
    ]
    assert (row.values["id"], row.values["baseline"]) == ("7", labels["ref"][7])
    text = str(row.values["candidate"])
    assert (len(text), text[:8], text[-1]) == (301, "<script>", "…")
    keys["changed-rows"] = {"rows": 5, "mask": ["ref"], "hash": ["answer"]}
    (row,) = regression_details(api.compare(policy=keys, **paths).details).changed_rows
    assert row.values["label"] == "***"
    assert re.fullmatch("[0-9a-f]{12}", str(row.values["candidate"]))


def test_numbers_are_no_texts_and_spark_compares_none() -> None:
    """One line each."""
    numbers = {"id": np.arange(N), "answer": np.arange(N)}
    with pytest.raises(DataError, match="answer"):
        compare(numbers, dict(numbers), label=[], score=[])
    session = cast("Session", SimpleNamespace(dialect=SparkDialect()))
    with pytest.raises(InputError, match="duckdb"):
        prepare_texts(session)


def test_row_weights_count_in_every_metric() -> None:
    """Weighted means of the values of the rows."""
    weight = np.arange(N) % 3 + 1.0
    first, second = ({**answers(seed, wrong=0.1 * seed), "w": weight} for seed in (1, 2))
    measured = values(compare(first, second, weight="w"))
    right = [squad(a) == squad(r) for a, r in zip(second["answer"], second["ref"], strict=True)]
    changed = [a != b for a, b in zip(first["answer"], second["answer"], strict=True)]
    assert measured["normalised-match"] == pytest.approx(np.average(right, weights=weight))
    assert measured["judge-score"] == pytest.approx(np.average(second["judge"], weights=weight))
    assert measured["answer-churn"] == pytest.approx(np.average(changed, weights=weight))


def test_a_second_baseline_is_listed_as_not_measured() -> None:
    """Texts have neither decisions nor scores that a noise floor is computed from."""
    sides = [pa.table(answers(seed, wrong=0.1, n=200)) for seed in (1, 2, 3)]
    judgement = api.compare(sides[0], sides[1], POLICY, noise=sides[2])
    assert [note.what for note in judgement.not_measured] == ["the noise floor"]
