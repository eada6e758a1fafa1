"""The contract as a table: counted facts to findings."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.contract import blocking, judge_contract, not_measured, unchanged
from ghmlops.core.contract_facts import Facts, PairFacts, SchemaFacts, SideFacts
from ghmlops.core.contract_finding import of
from ghmlops.core.model import Outcome


def facts(
    baseline: dict[str, Any] | None = None,
    candidate: dict[str, Any] | None = None,
    schema: dict[str, Any] | None = None,
    **pairs: Any,
) -> Facts:
    known: dict[str, Any] = {"paired": 1000, "removed": 0, "added": 0, "usable": 1000, "labelled": 1000}
    return Facts(
        task="binary",
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


def test_what_cannot_be_paired_is_not_even_tried() -> None:
    """Zero rows, and keys or labels that only a cast would bring together."""
    assert [f.id for f in blocking(facts(candidate={"rows": 0}))] == ["contract-empty"]
    assert [f.id for f in blocking(facts(schema={"mismatched_keys": ("id",), "mismatched_labels": ("y",)}))] == [
        "contract-key-type",
        "contract-label-type",
    ]
    assert all(f.outcome is Outcome.ERROR for f in blocking(facts({"rows": 0}, {"rows": 0})))


def test_removed_rows_say_whether_they_are_the_hard_ones() -> None:
    """Accuracy on the paired rows beside accuracy over each side's own rows."""
    (_, removed) = judge_contract(facts(removed=61, quality=(0.9, 0.9, 0.85, 0.9)))
    assert "+0.00 points on the paired rows and by +5.00 points" in removed.reason


def test_unchanged_means_unchanged() -> None:
    """One changed prediction fails the intent; none at all is not a pass of nothing."""
    pairs = facts().pairs
    assert pairs
    assert unchanged(pairs).outcome is Outcome.PASS
    changed = facts(changed=1, largest_change=0.25).pairs
    assert changed
    assert (unchanged(changed).outcome, "0.25" in unchanged(changed).reason) == (Outcome.FAIL, True)
    nothing = facts(paired=0, usable=0, labelled=0).pairs
    assert nothing
    assert unchanged(nothing).outcome is Outcome.INCONCLUSIVE


def test_what_was_not_looked_at_is_said() -> None:
    """Delayed labels, rows without time or group."""
    given = facts(labelled=900, windows_without_time=5, no_group=7)
    assert [n.what for n in not_measured(given, group=True, windows=True)] == [
        "quality of rows without a label",
        "windows",
        "groups",
    ]
    assert not_measured(facts(), group=True, windows=True) == []
