"""Findings with their evidence: which file a finding comes from, their order, and the short list."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.model import Finding, Outcome
from ghmlops.report.content.placed_findings import (
    PlacedFinding,
    confirmed_leg,
    format_value,
    is_confirmation,
    place_findings,
    rank_failures,
    rank_findings,
    rows_compared,
)
from report import prediction_samples, samples


def test_findings_are_placed_although_merging_changed_their_outcome() -> None:
    """Two legs with equal findings are matched in order; a finding of the merge has no evidence."""
    files = [samples.latency(leg="cpu"), samples.latency(leg="gpu")]
    changed = [msgspec.structs.replace(f, outcome=Outcome.WARN, reason="x") for file in files for f in file.findings]
    extra = Finding(id="evidence-missing", metric="evidence", outcome=Outcome.FAIL, reason="", docs="x.md")
    entries = place_findings([*changed, extra], files)
    assert [entry.leg for entry in entries] == ["cpu"] * 7 + ["gpu"] * 7 + [""]
    assert entries[-1].command == ""


def test_equal_findings_of_which_merging_changed_the_first_are_not_confused() -> None:
    """A finding that merging left as it is takes its own file away, although an equal one comes before it."""
    files = [samples.latency(leg="cpu"), samples.latency(leg="gpu")]
    first, second = files[0].findings[0], files[1].findings[0]
    changed = msgspec.structs.replace(first, outcome=Outcome.WARN)
    for order, legs in (([changed, second], ["cpu", "gpu"]), ([second, changed], ["gpu", "cpu"])):
        assert [entry.leg for entry in place_findings(order, files)] == legs


def test_order_of_all_findings() -> None:
    """By outcome; overall before subgroups, summaries last; among equals the farthest beyond its limit first."""
    findings = [
        samples.metric("small", (0.8, 0.79), 0.0, Outcome.FAIL),
        samples.metric("slice", (0.8, 0.1), 0.0, Outcome.FAIL, slice={"a": 1}),
        samples.metric("slices", (0.8, 0.1), 0.0, Outcome.FAIL, id="slices-summary"),
        samples.metric("large", (0.8, 0.7), 0.0, Outcome.FAIL),
        samples.metric("pass", (0.8, 0.8), 0.0, Outcome.PASS),
    ]
    ranked = rank_findings([PlacedFinding(finding, "regression", "") for finding in findings])
    assert [entry.finding.metric for entry in ranked] == ["large", "small", "slice", "slices", "pass"]


def test_the_short_list_alternates_between_commands() -> None:
    """Failures of one command do not hide those of another; repetitions by a confirming run are left out."""
    files = [samples.latency(slow=True), samples.latency(slow=True, leg="confirm"), samples.regression(broken=True)]
    entries = place_findings([finding for file in files for finding in file.findings], files)
    ranked = rank_failures(entries)
    assert [entry.command for entry in ranked[:4]] == ["latency", "regression", "latency", "regression"]
    assert {entry.leg for entry in ranked} == {""}


@pytest.mark.parametrize(
    ("leg", "confirms", "original"),
    [
        ("", False, ""),
        ("confirm", True, ""),
        ("gpu-confirm", True, "gpu"),
        ("gpu", False, "gpu"),
        ("confirmed", False, "confirmed"),
    ],
)
def test_confirming_legs(leg: str, confirms: bool, original: str) -> None:
    """A confirming leg is `confirm`, or ends in `-confirm`."""
    assert (is_confirmation(leg), confirmed_leg(leg)) == (confirms, original)


def test_rows_are_counted_once_per_data_set() -> None:
    """The largest overall n per data set; subgroups do not count."""
    assert rows_compared(prediction_samples.predictions(datasets=("a", "b")).findings) == 2 * 327_350


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "null"), (True, "true"), (False, "false"), (3, "3"), (0.5, "0.5"), ("x", "x"), (10**400, "∞")],
)
def test_values_of_conditions(value: object, text: str) -> None:
    """JSON values as a condition shows them; an absurdly long integer is abbreviated."""
    assert format_value(value) == text
