"""The contract: keys, rows and column types, from counted facts to findings."""

from __future__ import annotations

import pytest

from contract_facts import facts, finding, outcomes
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract.checks import blocking_findings, judge_contract, not_measured
from ghmlops.core.predictions.contract.facts import Facts, SchemaFacts, SideFacts


def test_artifacts_without_a_fault_have_one_passing_finding() -> None:
    """Nothing but the number of rows."""
    assert outcomes(facts()) == {"rows": Outcome.PASS}


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (facts({"null_keys": 3}), {"null-key": Outcome.FAIL}),
        (facts({"repeated_keys": 2, "repeated_rows": 4}), {"repeated-key": Outcome.WARN}),
        (
            facts({"repeated_keys": 2, "repeated_rows": 4, "conflicting_keys": 1}),
            {"repeated-key": Outcome.FAIL},
        ),
        (facts(removed=10), {"removed-rows": Outcome.WARN}),
        (facts(removed=11), {"removed-rows": Outcome.FAIL}),
        (facts(added=11), {"added-rows": Outcome.FAIL}),
        (facts(schema={"different_kinds": ("x is text and integer",)}), {"column-type": Outcome.WARN}),
    ],
)
def test_each_fault_of_keys_and_rows_has_its_own_finding(counted: Facts, expected: dict[str, Outcome]) -> None:
    """Up to 1 % of missing or added rows warns, more fails; copies of a row warn, rows that differ fail."""
    assert {"rows": Outcome.PASS} | expected == outcomes(counted)


@pytest.mark.parametrize(
    ("counted", "facts_in_reason"),
    [
        (facts(usable=0, labelled=0), ["1,000 rows"]),
        (facts(paired=0, usable=0, labelled=0), []),
        (
            facts(candidate={"repeated_keys": 9, "repeated_rows": 1000}, paired=0, usable=0, labelled=0),
            ["`key`", "policy"],
        ),
    ],
)
def test_no_usable_row_is_an_error_with_its_cause(counted: Facts, facts_in_reason: list[str]) -> None:
    """Unusable predictions, keys that match nothing and repeated keys are different causes; none of them passes."""
    last = judge_contract(counted)[-1]
    assert (last.id, last.outcome, last.n) == ("contract-rows", Outcome.ERROR, 0)
    assert all(text in last.reason for text in facts_in_reason)


def test_the_causes_of_no_usable_row_are_told_apart() -> None:
    """Three causes have three reasons."""
    counted = (
        facts(usable=0, labelled=0),
        facts(paired=0, usable=0, labelled=0),
        facts({"repeated_keys": 9}, paired=0, usable=0, labelled=0),
    )
    assert len({finding(one, "rows").reason for one in counted}) == 3


def test_rows_that_cannot_be_paired_block_the_comparison() -> None:
    """Zero rows, and keys or labels of types that only a cast could compare."""
    assert [f.id for f in blocking_findings(facts(candidate={"rows": 0}))] == ["contract-empty"]
    mismatched = facts(schema={"mismatched_keys": ("id",), "mismatched_labels": ("y",)})
    assert [f.id for f in blocking_findings(mismatched)] == ["contract-key-type", "contract-label-type"]
    assert all(f.outcome is Outcome.ERROR for f in blocking_findings(facts({"rows": 0}, {"rows": 0})))


def test_an_empty_file_of_labels_blocks_the_comparison() -> None:
    """The separate artifact of labels is checked like the two others."""
    counted = Facts(
        task="binary",
        schema=SchemaFacts(columns=3),
        baseline=SideFacts(rows=9),
        candidate=SideFacts(rows=9),
        labels=SideFacts(rows=0),
    )
    assert [f.id for f in blocking_findings(counted)] == ["contract-empty"]


@pytest.mark.parametrize(
    ("task", "quality", "difficulty", "paired", "unpaired"),
    [
        ("binary", (0.9, 0.9, 0.85, 0.9), "harder", "accuracy is unchanged", "5.00 points better"),
        ("binary", (0.8, 0.7, 0.85, 0.7), "easier", "accuracy is 10.00 points worse", "15.00 points worse"),
        ("multiclass", (0.9, 0.91, 0.9, 0.91), "", "accuracy is 1.00 points better", "1.00 points better"),
        ("multiclass", (0.9, 0.90001, 0.9001, 0.9001), "", "accuracy is unchanged", "unchanged on all"),
        ("regression", (2.0, 2.0, 2.5, 2.0), "harder", "RMSE is unchanged", "0.5 better"),
        ("regression", (2.0, 2.25, 1.75, 2.25), "easier", "RMSE is 0.25 worse", "0.5 worse"),
        ("regression", (2.0, 2.00001, 2.001, 2.00001), "", "RMSE is unchanged", "0.00099 better"),
    ],
)
def test_removed_rows_are_compared_with_the_others(
    task: str,
    quality: tuple[float | None, float | None, float | None, float | None],
    difficulty: str,
    paired: str,
    unpaired: str,
) -> None:
    """Quality on the paired rows and on all rows of each side; a random difference is neither harder nor easier."""
    removed = finding(facts(removed=250, quality=quality, task=task), "removed-rows")
    assert removed.reason.startswith("250 of 1,000 (25 %)")
    assert [word in removed.reason for word in ("harder", "easier")] == [difficulty == "harder", difficulty == "easier"]
    assert paired in removed.reason
    assert unpaired in removed.reason


def test_removed_rows_without_a_quality_are_counted_only() -> None:
    """A ranking has no quality by row: the share and the tolerated share."""
    removed = finding(facts(removed=250, task="ranking"), "removed-rows")
    assert "25 %" in removed.reason
    assert "1 %" in removed.reason
    assert not any(word in removed.reason for word in ("harder", "easier", "accuracy", "RMSE"))


def test_everything_that_was_not_measured_is_listed() -> None:
    """Delayed labels, queries without a relevant document, rows without time or group, pages without a checksum."""
    counted = facts(
        {"chunks": 12, "unchecked_chunks": 3},
        labelled=900,
        windows_without_time=5,
        ungrouped=7,
        queries=9,
        queries_without_relevant=2,
    )
    assert [item.what for item in not_measured(counted, group=True, windows=True)] == [
        "page checksums",
        "quality of rows without a label",
        "queries without a relevant document",
        "windows",
        "groups",
    ]
    assert not_measured(facts({"chunks": 12}), group=True, windows=True) == []
    assert not_measured(facts(labelled=0, task="embedding"), group=False, windows=False) == []


def test_harmless_differences_of_the_schema_are_notes() -> None:
    """Each one names its columns in the finding on the rows, which passes."""
    schema = {
        "single_precision": True,
        "widths": ("a",),
        "naive_times": ("t",),
        "unused": ("b",),
        "one_sided": ("c",),
    }
    rows = finding(facts(schema=schema), "rows")
    assert rows.outcome is Outcome.PASS
    assert "single precision" in rows.reason
    assert all(f": {column}" in rows.reason for column in "atbc")
