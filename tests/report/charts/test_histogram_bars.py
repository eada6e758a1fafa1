"""Histograms as SVG: positions, labels, and columns that cannot be drawn."""

from __future__ import annotations

from ghmlops.report.charts.histogram_bars import figure
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


def draw(histogram: Histogram) -> str:
    """Return the figure as one text."""
    return "".join(figure(histogram))


def test_shares_are_drawn_instead_of_counts() -> None:
    """The baseline has bars for 75 % and 25 %, the candidate an outline at 50 %; the highest share is at the top."""
    text = draw(SAMPLE)
    read_html(text)
    assert '<rect class="bar" x="8.5" y="8.0" width="151.0" height="114.0"/>' in text
    assert '<rect class="bar" x="160.5" y="84.0" width="151.0" height="38.0"/>' in text
    assert '<path class="outline" d="M8.0 46.0L160.0 46.0L160.0 46.0L312.0 46.0"/>' in text
    assert "40 → 100 rows; PSI 0.2" in text


def test_categories_are_not_connected() -> None:
    """Values without an order have a separate line each; their names are escaped."""
    text = draw(SAMPLE._replace(numeric=False, labels=["<b>phone", "tv"]))
    assert 'd="M8.0 46.0L160.0 46.0M160.0 46.0L312.0 46.0"' in text
    assert "&lt;b&gt;phone" in text


def test_columns_without_rows_are_not_drawn() -> None:
    """Nothing is drawn without any row; if one artifact has none, the other one is drawn."""
    assert draw(SAMPLE._replace(baseline=[0.0, 0.0], candidate=[0.0, 0.0])) == ""
    assert "0 → 100 rows" in draw(SAMPLE._replace(baseline=[0.0, 0.0]))
