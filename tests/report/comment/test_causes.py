"""Grouping of findings by cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.report.comment import causes as grouping
from ghmlops.report.comment.causes import MAX_RELATIVES, Cause, group_causes, legs_of
from ghmlops.report.content.placed_findings import PlacedFinding, place_findings
from report import prediction_samples, samples

FAIL, INCONCLUSIVE, WARN, PASS = Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.WARN, Outcome.PASS


def causes_of(*files: Evidence) -> list[Cause]:
    """Return the causes of the findings of these files."""
    return group_causes(place_findings(samples.merged(*files, required=()).findings, files))


def ids(cause: Cause) -> list[str]:
    """Return the ids of the findings of a cause, the leading one first."""
    return [entry.finding.id for entry in cause.findings]


def quality(outcome: Outcome, *, name: str = "accuracy", loss: float = 0.02, **fields: Any) -> Finding:
    """Return a finding on a metric."""
    return samples.metric(name, (0.8, 0.8 - loss), 0.001, outcome, **fields)


def grouped(findings: Sequence[Finding]) -> list[list[tuple[str, dict[str, Any]]]]:
    """Return metric and slice of the findings of each cause."""
    causes = group_causes([PlacedFinding(finding, "regression", "") for finding in findings])
    return [[(entry.finding.metric, entry.finding.slice) for entry in cause.findings] for cause in causes]


def test_no_failure_has_no_cause() -> None:
    """Passed findings have no cause."""
    assert causes_of(samples.latency(), samples.regression()) == []


def test_percentiles_and_objective_are_one_cause() -> None:
    """A slow p50, p95 and p99 and the missed objective are one cause, which the worst excess leads."""
    (cause,) = causes_of(samples.latency(slow=True))
    assert ids(cause) == ["latency-p50", "latency-p95", "objective-p99", "latency-p99"]
    assert cause.outcome is FAIL


def test_a_failure_and_its_confirmation_are_one_cause() -> None:
    """The first run leads; the confirming leg is no leg of its own."""
    (cause,) = causes_of(samples.latency(slow=True), samples.latency(slow=True, leg="confirm"))
    assert cause.lead.leg == ""
    assert len(cause.findings) == 8
    assert legs_of(cause) == []


def test_legs_are_one_cause() -> None:
    """The same regression on two machines is one cause, which names both."""
    (cause,) = causes_of(samples.latency(slow=True, leg="cpu"), samples.latency(slow=True, leg="gpu-confirm"))
    assert legs_of(cause) == ["cpu", "gpu"]


def test_failed_requests_are_another_cause_than_slow_ones() -> None:
    """Errors do not follow from response times."""
    slow = samples.latency(slow=True)
    failed = samples.evidence("latency", [*slow.findings, samples.errors(FAIL)])
    assert [ids(cause)[0] for cause in causes_of(failed)] == ["latency-p50", "error-ratio"]


def test_metrics_slices_and_windows_of_a_worse_model_are_one_cause() -> None:
    """All rows contain every slice and every window."""
    (cause,) = causes_of(prediction_samples.predictions())
    assert cause.lead.finding.slice == {"device": "tablet", "country": "FR"}
    kinds = {(bool(entry.finding.slice), entry.finding.window is not None) for entry in cause.findings}
    assert kinds == {(False, False), (True, False), (False, True)}


@pytest.mark.parametrize(("loss", "leads"), [(0.021, False), (0.059, False), (0.061, True)])
def test_a_slice_that_is_much_worse_leads(loss: float, leads: bool) -> None:
    """From three times the excess of all rows over the limit on, the regression is in the slice."""
    ((first, *_),) = grouped([quality(FAIL, loss=0.02), quality(FAIL, slice={"a": 1}, loss=loss)])
    assert first[1] == ({"a": 1} if leads else {})


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        ([{"a": 1}, {"a": 1, "b": 2}], 1),
        ([{"a": 1, "b": 2}, {"a": 1}], 1),
        ([{"a": 1}, {"a": 2}], 2),
        ([{"a": 1}, {"b": 1}], 2),
        ([{"a": 1}, {"a": True}], 2),
        ([{"a": 1}, {"a": 2}, {}], 1),
    ],
)
def test_a_slice_and_its_parent_are_one_cause(slices: list[dict[str, Any]], expected: int) -> None:
    """Slices that do not contain each other are separate causes, unless all rows are worse."""
    assert len(grouped([quality(FAIL, slice=conditions) for conditions in slices])) == expected


def test_the_worst_outcome_leads() -> None:
    """A failed slice leads an undecided total."""
    groups = grouped([quality(INCONCLUSIVE), quality(FAIL, slice={"a": 1}), quality(WARN, name="auc")])
    assert groups == [[("accuracy", {"a": 1}), ("accuracy", {}), ("auc", {})]]


def test_data_sets_are_separate_causes() -> None:
    """A data set may be worse for a reason that the other one does not have."""
    assert len(grouped([quality(FAIL, dataset="golden"), quality(FAIL, dataset="live")])) == 2


def test_missing_labels_explain_undecided_metrics() -> None:
    """Metrics that fail have another cause."""
    coverage = samples.guard("x", INCONCLUSIVE, "3 of 9 rows have a label.")
    coverage = Finding(
        id="contract-label-coverage", metric="label-coverage", outcome=INCONCLUSIVE, reason=coverage.reason, docs=""
    )
    undecided = [quality(INCONCLUSIVE), quality(INCONCLUSIVE, name="auc", slice={"a": 1})]
    assert [group[0][0] for group in grouped([*undecided, coverage])] == ["label-coverage"]
    assert [group[0][0] for group in grouped([quality(FAIL), coverage])] == ["accuracy", "label-coverage"]


def test_broken_rules_are_separate_causes() -> None:
    """Two kinds of a broken contract are two causes."""
    rules = [samples.guard(name, FAIL, "It is broken.") for name in ("rows", "nulls")]
    assert len(grouped(rules)) == 2


def test_commands_take_turns() -> None:
    """The causes of one command do not fill a short list; worse outcomes come first."""
    many = samples.evidence("regression", [quality(FAIL, slice={"a": i}) for i in range(9)])
    causes = causes_of(many, samples.latency(slow=True))
    assert sorted(cause.lead.command for cause in causes[:2]) == ["latency", "regression"]
    assert len(causes) == 10


def test_missing_evidence_of_each_command_is_a_cause() -> None:
    """Findings of the merge differ by their reasons."""
    verdict = samples.merged()
    assert len(group_causes(place_findings(verdict.findings, []))) == 2


def test_the_work_on_ten_thousand_slices_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each finding is compared with at most MAX_RELATIVES causes, where all pairs would be tens of millions."""
    files, comparisons, related = samples.many_findings(10_000), 0, grouping._related

    def counted(first: grouping.Conditions, second: grouping.Conditions) -> bool:
        nonlocal comparisons
        comparisons += 1
        return related(first, second)

    monkeypatch.setattr(grouping, "_related", counted)
    entries = place_findings(files.findings, [files])
    assert len(group_causes(entries)) > 4_000
    assert 0 < comparisons <= len(entries) * MAX_RELATIVES
