"""Timelines of a metric: order of the series, and which windows a chart contains."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.report.content import timeline
from ghmlops.report.formats import markdown
from report import prediction_samples, samples
from report.timeline_samples import sample_points


@pytest.mark.parametrize(
    ("regressions", "total", "expected"),
    [
        (set(), 10, 10),
        (set(), 60, 60),
        (set(), 400, 60),
        ({7, 399}, 400, 60),
        (set(range(0, 400, 2)), 400, 200),
        (set(range(400)), 400, 400),
    ],
)
def test_windows_are_thinned_out_and_regressions_stay(regressions: set[int], total: int, expected: int) -> None:
    """At most 60 windows remain, in time order and evenly spread, in addition to every window with a regression."""
    points = sample_points(regressions, total)
    result = timeline.thin_out(points, 60)
    assert len(result) == expected
    assert result == sorted(result, key=points.index)
    assert {p.window for p in result if p.outcome is Outcome.FAIL} == {points[i].window for i in regressions}
    others = [points.index(p) for p in result if p.outcome is Outcome.PASS]
    assert max((b - a for a, b in pairwise(others)), default=0) <= 8


def test_the_worst_metric_is_drawn_first_and_open() -> None:
    """Markdown has one chart, of the series with the most failed windows, and it is not collapsed."""
    predictions = prediction_samples.predictions(datasets=("a", "b"))
    rows = [
        msgspec.structs.replace(row, outcome=Outcome.PASS) if row.dataset == "a" else row
        for row in prediction_samples.details_of(predictions).timeline
    ]
    file = prediction_samples.with_tables(predictions, timeline=rows)
    assert [series.timeline.dataset for series in timeline.metric_series(file)] == ["b", "a"]
    text = markdown.summary(samples.report(file))
    assert text.count("```mermaid") == 1
    assert text.index("### Over time") < text.index("in data set `b`: baseline grey") < text.index("<details>")


def test_without_a_regression_the_chart_is_collapsed() -> None:
    """The chart is in the section of the windows."""
    text = markdown.summary(samples.report(sample(broken=False)))
    assert "### Over time" not in text
    assert text.index("<details><summary>Windows") < text.index("```mermaid")


def sample(*, broken: bool) -> Evidence:
    return prediction_samples.predictions(broken=broken)
