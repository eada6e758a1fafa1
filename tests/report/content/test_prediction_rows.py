"""Rows of a prediction diff: ranking, and their numbers as a finding."""

from __future__ import annotations

import math

import msgspec
import pytest

from ghmlops.core.details.regression import MetricRow
from ghmlops.core.model import Direction, Outcome
from ghmlops.report.content.prediction_rows import (
    has_tables,
    metric_facts,
    rank_rows,
    row_finding,
    trailing_passes,
    without_tables,
)
from report import prediction_samples, samples

WHOLE = prediction_samples.predictions()
DETAILS = prediction_samples.details_of(WHOLE)


def test_rows_are_ranked_by_outcome_and_then_by_value() -> None:
    """Rows without a value follow those with one; rows without an outcome are last."""
    outcomes = [
        (Outcome.PASS, 0.1),
        (None, 0.0),
        (Outcome.FAIL, 0.9),
        (Outcome.WARN, 0.5),
        (Outcome.FAIL, 0.2),
        (Outcome.FAIL, math.inf),
    ]
    rows = [samples.subgroup(str(i), 0.0, p, outcome) for i, (outcome, p) in enumerate(outcomes)]
    ranked = rank_rows(rows, lambda row: row.p)
    assert [row.subgroup for row in ranked] == ["4", "2", "5", "3", "0", "1"]
    assert trailing_passes(ranked) == 2
    assert trailing_passes([]) == 0


def test_facts_of_a_metric_come_from_findings_and_the_table_of_metrics() -> None:
    """Unit, direction and the size of the margin."""
    facts = metric_facts(WHOLE)
    assert facts.units["accuracy"] == facts.units["ece"] == "ratio"
    assert facts.directions["log-loss"] is Direction.LOWER
    assert facts.margins["", "auc"] == pytest.approx(0.002)
    assert ("", "ece") not in facts.margins


def test_a_row_has_the_numbers_of_a_finding() -> None:
    """A row of the timeline has no change, so it follows from its values; an unjudged row has no limit."""
    facts = metric_facts(WHOLE)
    finding = row_finding(DETAILS.metrics[0], facts)
    assert (finding.metric, finding.n, finding.margin) == ("accuracy", 327_350, 0.005)
    moment = DETAILS.timeline[20]
    change = row_finding(moment, facts).change
    assert change
    assert moment.candidate is not None
    assert moment.baseline is not None
    assert change.estimate == pytest.approx(moment.candidate - moment.baseline)
    assert row_finding(DETAILS.metrics[-1], facts).margin is None


def test_numbers_without_a_scale_are_missing() -> None:
    """Numbers beyond 1e300 cannot be drawn or compared."""
    row: MetricRow = msgspec.structs.replace(DETAILS.metrics[0], baseline=1e308, change=None)
    finding = row_finding(row, metric_facts(WHOLE))
    assert (finding.baseline, finding.change) == (None, None)


def test_tables_with_a_section_are_recognised() -> None:
    """Settings, inputs, sources, the replay, churn and untested subgroups have none."""
    assert has_tables(WHOLE)
    rest = without_tables(DETAILS)
    assert rest.settings == DETAILS.settings
    assert not has_tables(msgspec.structs.replace(WHOLE, details=rest))
    assert not has_tables(samples.latency())
