"""Distributions as drawings: what is drawn where, and what cannot be drawn."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.report.charts import histogram_bars as bars
from ghmlops.report.content import predictions
from ghmlops.report.formats import html, markdown
from ghmlops.report.text.blocks import Histogram
from report import prediction_samples, samples
from report.reading import read_html

SAMPLE = Histogram(
    column="age",
    dataset="",
    labels=["0", "1", "2"],
    numeric=True,
    baseline=[30.0, 10.0],
    candidate=[50.0, 50.0],
    distances="PSI 0.2",
    outcome=None,
)


def drawn(given: Histogram) -> str:
    return "".join(bars.figure(given))


def test_shares_are_drawn_and_not_counts() -> None:
    """75 % and 25 % of the baseline as bars, half and half of the candidate as an outline, the tallest to the top."""
    text = drawn(SAMPLE)
    read_html(text)
    assert '<rect class="bar" x="8.5" y="8.0" width="151.0" height="114.0"/>' in text
    assert '<rect class="bar" x="160.5" y="84.0" width="151.0" height="38.0"/>' in text
    assert '<path class="outline" d="M8.0 46.0L160.0 46.0L160.0 46.0L312.0 46.0"/>' in text
    assert "40 → 100 rows; PSI 0.2" in text


def test_values_have_caps_of_their_own() -> None:
    """Nothing lies between two values of a column that has no order."""
    text = drawn(SAMPLE._replace(numeric=False, labels=["<b>phone", "tv"]))
    assert 'd="M8.0 46.0L160.0 46.0M160.0 46.0L312.0 46.0"' in text
    assert "&lt;b&gt;phone" in text


def test_sides_without_a_row_draw_nothing() -> None:
    """Zero rows have no shares; one empty side is drawn as such."""
    assert drawn(SAMPLE._replace(baseline=[0.0, 0.0], candidate=[0.0, 0.0])) == ""
    assert "0 → 100 rows" in drawn(SAMPLE._replace(baseline=[0.0, 0.0]))


@pytest.mark.parametrize(
    "odd",
    [
        {"edges": [0, 1], "baseline": [1, 2], "candidate": [2, 1]},
        {"edges": [0, 1, 1], "baseline": [1, 2], "candidate": [2, 1]},
        {"edges": [0, 1, "2"], "baseline": [1, 2], "candidate": [2, 1]},
        {"edges": [0, 1, 2], "baseline": [1, -2], "candidate": [2, 1]},
        {"edges": [0, 1, 2], "baseline": [1, 2], "candidate": [2]},
        {"edges": [0, 1, 2], "baseline": [1, True], "candidate": [2, 1]},
        {"values": ["a"], "baseline": [1, 2], "candidate": [2, 1]},
        {"values": [["a"], "b"], "baseline": [1, 2], "candidate": [2, 1]},
        {"edges": list(range(1001)), "baseline": [1] * 1000, "candidate": [1] * 1000},
        {"baseline": [1, 2], "candidate": [2, 1]},
        {},
    ],
)
def test_what_does_not_belong_together_is_not_drawn(odd: dict[str, Any]) -> None:
    """Bins and counts of other lengths, edges that do not rise, negative counts, more bins than the engine makes."""
    assert predictions.histograms(sample([{"column": "x", **odd}])) == []


def test_what_drifted_is_drawn_first() -> None:
    """With its distances and outcome, on the page alone."""
    whole = prediction_samples.predictions()
    order = [(h.column, h.distances) for h in predictions.histograms(whole)]
    assert order == [("age", "PSI 0.31, KS 0.18"), ("p_click", "PSI 0.024, KS 0.031"), ("device", "PSI 0.001")]
    report = samples.report(whole)
    assert html.page(report).count('class="chart bars"') == 3
    assert "svg" not in markdown.comment(report)


def sample(rows: list[dict[str, Any]]) -> Evidence:
    return prediction_samples.replaced(prediction_samples.predictions(), distributions=rows)
