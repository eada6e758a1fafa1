"""The contract as a table: counted facts to findings."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract.checks import blocking, judge_contract, not_measured
from ghmlops.core.predictions.contract.facts import Facts, PairFacts, SchemaFacts, SideFacts
from ghmlops.core.predictions.contract.finding import of


def facts(
    baseline: dict[str, Any] | None = None,
    candidate: dict[str, Any] | None = None,
    schema: dict[str, Any] | None = None,
    task: str = "binary",
    **pairs: Any,
) -> Facts:
    known: dict[str, Any] = {"paired": 1000, "removed": 0, "added": 0, "usable": 1000, "labelled": 1000}
    return Facts(
        task=task,
        schema=SchemaFacts(columns=3, **(schema or {})),
        baseline=SideFacts(**({"rows": 1000} | (baseline or {}))),
        candidate=SideFacts(**({"rows": 1000} | (candidate or {}))),
        pairs=PairFacts(**(known | pairs)),
    )


def found(given: Facts) -> dict[str, Outcome]:
    return {f.id.removeprefix("contract-"): f.outcome for f in judge_contract(given)}


def test_a_kept_contract_is_one_pass() -> None:
    """Nothing but the count of rows."""
    assert found(facts()) == {"rows": Outcome.PASS}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (facts({"null_keys": 3}), {"null-key": Outcome.FAIL}),
        (facts({"repeated_keys": 2, "repeated_rows": 4}), {"repeated-key": Outcome.WARN}),
        (
            facts({"repeated_keys": 2, "repeated_rows": 4, "conflicting_keys": 1}),
            {"repeated-key": Outcome.FAIL},
        ),
        (facts(candidate={"nan_scores": 1}), {"unusable-prediction": Outcome.FAIL}),
        (facts({"nan_scores": 1}), {"unusable-prediction": Outcome.WARN}),
        (
            facts(candidate={"outside_scores": 9, "low_score": -3.0, "high_score": 4.0}),
            {"score-range": Outcome.FAIL},
        ),
        (facts(candidate={"stale_predictions": 9}), {"stale-prediction": Outcome.WARN}),
        (facts(candidate={"odd_labels": 1}), {"label-values": Outcome.FAIL}),
        (facts(label_conflicts=10), {"label-changed": Outcome.WARN}),
        (facts(label_conflicts=11), {"label-changed": Outcome.FAIL}),
        (facts(removed=10), {"removed-rows": Outcome.WARN}),
        (facts(removed=11), {"removed-rows": Outcome.FAIL}),
        (facts(added=11), {"added-rows": Outcome.FAIL}),
        (facts(time_conflicts=1), {"time-changed": Outcome.WARN}),
        (facts(slice_conflicts={"device": 500, "os": 0}), {"slice-changed": Outcome.FAIL}),
        (facts(labelled=0), {"labels-missing": Outcome.INCONCLUSIVE}),
        (facts(candidate={"broken_vectors": 2}, task="multiclass"), {"unusable-prediction": Outcome.FAIL}),
        (facts(candidate={"null_queries": 2}, task="ranking"), {"unusable-prediction": Outcome.FAIL}),
        (facts(candidate={"ragged_vectors": 2}, task="multiclass"), {"ragged-vector": Outcome.FAIL}),
        (facts({"ragged_vectors": 2}, task="multiclass"), {"ragged-vector": Outcome.WARN}),
        (facts(candidate={"unnormalised_vectors": 2}, task="multiclass"), {"unnormalised-vector": Outcome.FAIL}),
        (facts(candidate={"outside_scores": 2}, task="multiclass"), {"score-range": Outcome.FAIL}),
        (facts(candidate={"zero_vectors": 2}, task="embedding"), {"zero-vector": Outcome.FAIL}),
        (facts(unlike_lengths=1, task="embedding"), {"vector-length": Outcome.FAIL}),
        (facts(labelled=0, task="embedding"), {}),
        (facts(query_conflicts=10, task="ranking"), {"query-changed": Outcome.WARN}),
        (facts(query_conflicts=11, task="ranking"), {"query-changed": Outcome.FAIL}),
        (facts(schema={"different": ("x is text and integer",)}), {"column-type": Outcome.WARN}),
    ],
)
def test_each_fault_is_a_finding_of_its_own(given: Facts, expected: dict[str, Outcome]) -> None:
    """Up to 1 % of missing, added or contradicting rows warns, more fails; the baseline's own faults warn."""
    assert {"rows": Outcome.PASS} | expected == found(given)


@pytest.mark.parametrize(
    ("count", "whole", "expected"),
    [
        (2000, 2000, "2,000 of 2,000 (100 %)"),
        (1999, 2000, "1,999 of 2,000 (99.95 %)"),
        (999_999, 1_000_000, "999,999 of 1,000,000 (99.99 %)"),
        (61, 1000, "61 of 1,000 (6.1 %)"),
        (1, 3, "1 of 3 (33 %)"),
        (3, 100_000_000, "3 of 100,000,000 (0.000003 %)"),
        (0, 0, "0 of 0 (0 %)"),
    ],
)
def test_shares_are_read_by_people(count: int, whole: int, expected: str) -> None:
    """No power of ten, two significant digits, and 100 % is all of them and nothing less."""
    assert expected == of(count, whole)


def test_no_usable_row_is_an_error() -> None:
    """Nothing to compare never passes."""
    assert found(facts(paired=0, usable=0, labelled=0)) == {"rows": Outcome.ERROR}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            facts(usable=0, labelled=0),
            "1,000 rows were paired by key, none of them with usable predictions on both sides.",
        ),
        (facts(paired=0, usable=0, labelled=0), "no key of one side occurs on the other."),
        (
            facts(candidate={"repeated_keys": 9, "repeated_rows": 1000}, paired=0, usable=0, labelled=0),
            "no key that occurs once is on both sides; does `key` in the policy name every column of it?",
        ),
    ],
)
def test_why_nothing_can_be_compared(given: Facts, said: str) -> None:
    """Keys that match nothing, keys that repeat, and predictions that cannot be used are mended in different places."""
    last = judge_contract(given)[-1]
    assert (last.id, last.outcome, last.reason) == ("contract-rows", Outcome.ERROR, f"No row can be compared: {said}")


def test_what_cannot_be_paired_is_not_even_tried() -> None:
    """Zero rows, and keys or labels that only a cast would bring together."""
    assert [f.id for f in blocking(facts(candidate={"rows": 0}))] == ["contract-empty"]
    assert [f.id for f in blocking(facts(schema={"mismatched_keys": ("id",), "mismatched_labels": ("y",)}))] == [
        "contract-key-type",
        "contract-label-type",
    ]
    assert all(f.outcome is Outcome.ERROR for f in blocking(facts({"rows": 0}, {"rows": 0})))


@pytest.mark.parametrize(
    ("task", "quality", "said"),
    [
        (
            "binary",
            (0.9, 0.9, 0.85, 0.9),
            ", and they are the hard ones: paired accuracy is unchanged, unpaired looks 5.00 points better.",
        ),
        (
            "binary",
            (0.8, 0.7, 0.85, 0.7),
            ", and they are the easy ones: paired accuracy is 10.00 points worse, unpaired looks 15.00 points worse.",
        ),
        (
            "multiclass",
            (0.9, 0.91, 0.9, 0.91),
            ": paired accuracy is 1.00 points better, unpaired looks 1.00 points better.",
        ),
        ("multiclass", (0.9, 0.90001, 0.9001, 0.9001), ": paired accuracy is unchanged, unpaired is unchanged."),
        (
            "regression",
            (2.0, 2.0, 2.5, 2.0),
            ", and they are the hard ones: paired RMSE is unchanged, unpaired looks 0.5 better.",
        ),
        (
            "regression",
            (2.0, 2.25, 1.75, 2.25),
            ", and they are the easy ones: paired RMSE is 0.25 worse, unpaired looks 0.5 worse.",
        ),
        ("regression", (2.0, 2.00001, 2.001, 2.00001), ": paired RMSE is unchanged, unpaired looks 0.00099 better."),
        ("ranking", (None, None, None, None), " are missing from the candidate."),
    ],
)
def test_removed_rows_say_whether_they_are_the_hard_ones(
    task: str, quality: tuple[float | None, float | None, float | None, float | None], said: str
) -> None:
    """The quality of the paired rows beside that of each side's own rows; luck is called neither hard nor easy."""
    (_, removed) = judge_contract(facts(removed=250, quality=quality, task=task))
    assert removed.reason.startswith("250 of 1,000 (25 %) rows of the baseline are missing from the candidate")
    assert removed.reason.endswith(said)


def test_most_decisions_stale_is_another_order_of_classes() -> None:
    """The share is said, and what probably happened; a few stale decisions are just that."""
    (_, many) = judge_contract(facts(candidate={"stale_predictions": 501}, task="multiclass"))
    assert "501 of 1,000 (50 %)" in many.reason
    assert "the order of `classes` is probably not that of the vector" in many.reason
    (_, few) = judge_contract(facts(candidate={"stale_predictions": 5}, task="multiclass"))
    assert "order" not in few.reason
    (_, turned) = judge_contract(facts(candidate={"stale_predictions": 1000}))
    assert "the score is probably that of the other class" in turned.reason


def test_scores_are_called_what_they_are() -> None:
    """Vectors of a classifier are no log-odds, and relevances are no classes."""
    (_, found) = judge_contract(facts(candidate={"outside_scores": 3}, task="multiclass"))
    assert "3 of 1,000 (0.3 %) probability vectors of the candidate have an element outside 0..1" in found.reason
    assert "logits before the softmax" in found.reason
    (_, odd) = judge_contract(facts(candidate={"odd_labels": 3}, task="ranking"))
    assert "finite numbers of 0 or more" in odd.reason


def test_what_was_not_looked_at_is_said() -> None:
    """Delayed labels, queries without a relevant document, rows without time or group, pages without a checksum."""
    given = facts(
        {"chunks": 12, "unchecked_chunks": 3}, labelled=900, windows_without_time=5, no_group=7, queries=9, pointless=2
    )
    assert [n.what for n in not_measured(given, group=True, windows=True)] == [
        "page checksums",
        "quality of rows without a label",
        "queries without a relevant document",
        "windows",
        "groups",
    ]
    assert not_measured(facts({"chunks": 12}), group=True, windows=True) == []
    assert not_measured(facts(labelled=0, task="embedding"), group=False, windows=False) == []


def test_notes_of_the_schema_are_part_of_the_count_of_rows() -> None:
    """What differs and does no harm, each in its words."""
    schema = {"single": True, "widths": ("a",), "naive": ("t",), "only": ("b",), "one_sided": ("c",)}
    (rows,) = judge_contract(facts(schema=schema))
    for said in ("single precision", "widths differ: a", "read as UTC: t", "nothing uses: b", "drift is not known: c"):
        assert said in rows.reason
