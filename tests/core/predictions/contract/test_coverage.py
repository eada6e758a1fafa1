"""What was not judged cannot pass: rows left out, rows without a label, rows without a window."""

from __future__ import annotations

from typing import Any

import pytest

from contract_facts import facts
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.contract.coverage import check_coverage

I = Outcome.INCONCLUSIVE  # noqa: E741


def coverage_findings(*, coverage: float = 0.99, **counted: Any) -> dict[str, int | None]:
    """Return the number of rows of each finding on coverage, by the end of its id."""
    of = facts(**counted)
    assert of.pairs
    findings = check_coverage(of, of.pairs, coverage)
    assert {finding.outcome for finding in findings} <= {I}
    return {finding.id.removeprefix("contract-"): finding.n for finding in findings}


@pytest.mark.parametrize("side", ["baseline", "candidate"])
@pytest.mark.parametrize(
    "counted",
    [
        {"paired": 1000, "usable": 989, "labelled": 989},
        {"paired": 995, "usable": 994, "labelled": 994, "removed": 5, "added": 5},
        {"paired": 989, "usable": 989, "labelled": 989},
    ],
)
def test_more_than_one_percent_left_out_is_inconclusive_whatever_the_side(side: str, counted: dict[str, Any]) -> None:
    """Unusable predictions, rows of one side, rows without a key, and several small shares together."""
    other = "candidate" if side == "baseline" else "baseline"
    limit = 11 if counted["usable"] == 989 else 6
    sides: dict[str, Any] = {side: {"rows": 1000}, other: {"rows": counted["usable"]}}
    assert coverage_findings(**counted, **sides) == ({"left-out": 11} if limit == 11 else {})


def test_shares_of_several_reasons_add_up() -> None:
    """0.6 % without a counterpart and 0.6 % unusable are 1.2 % left out, which each alone would be tolerated."""
    assert coverage_findings(paired=994, removed=6, added=6, usable=988, labelled=988) == {"left-out": 12}


def test_copies_of_a_row_are_not_left_out() -> None:
    """Nine copies of each row are surplus; contradicting copies are left out."""
    assert coverage_findings(candidate={"rows": 10_000, "surplus_copies": 9_000}) == {}
    contradicting = {"rows": 1022, "conflicting_rows": 22, "repeated_keys": 11, "conflicting_keys": 11}
    assert coverage_findings(candidate=contradicting) == {"left-out": 22}


@pytest.mark.parametrize(
    ("counted", "coverage", "expected"),
    [
        ({"labelled": 990}, 0.99, {}),
        ({"labelled": 989}, 0.99, {"label-coverage": 11}),
        ({"labelled": 100}, 0.1, {}),
        ({"labelled": 100}, 0.0, {}),
        ({"labelled": 1, "task": "embedding"}, 0.99, {}),
        ({"labelled": 400, "task": "ranking", "queries": 100, "queries_without_label": 1}, 0.99, {}),
        (
            {"labelled": 400, "task": "ranking", "queries": 100, "queries_without_label": 2},
            0.99,
            {"label-coverage": 2},
        ),
    ],
)
def test_quality_needs_the_labels_that_the_policy_requires(
    counted: dict[str, Any], coverage: float, expected: dict[str, int]
) -> None:
    """Rows with a label, or queries with a labelled document; a policy with late labels requires fewer."""
    assert coverage_findings(coverage=coverage, **counted) == expected


@pytest.mark.parametrize(("timeless", "expected"), [(10, {}), (11, {"null-time": 11})])
def test_rows_without_a_time_are_in_no_window(timeless: int, expected: dict[str, int]) -> None:
    """Up to 1 % of the usable rows are listed, more are inconclusive."""
    assert coverage_findings(windows_without_time=timeless) == expected


def test_coverage_is_part_of_the_contract() -> None:
    """A baseline of which every other prediction is null warns for it, and cannot pass."""
    of = facts({"null_scores": 500}, usable=500, labelled=500)
    outcomes = [(finding.id, finding.outcome) for finding in judge_contract(of)]
    assert ("contract-unusable-prediction", Outcome.WARN) in outcomes
    assert outcomes.count(("contract-left-out", I)) == 2
