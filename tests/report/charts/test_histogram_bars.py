"""Distributions as drawings: what is drawn where, and what cannot be drawn."""

from __future__ import annotations

from ghmlops.report.charts import histogram_bars as bars
from ghmlops.report.text.blocks import Histogram
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
