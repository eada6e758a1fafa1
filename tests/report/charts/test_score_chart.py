"""ROC, precision-recall and reliability curves as SVG."""

from __future__ import annotations

from ghmlops.report.charts.score_chart import figures
from ghmlops.report.text.drawings import ScoreCurves
from report.reading import read_html


def test_three_curves_of_both_sides() -> None:
    """Each figure has a line per side with a legend; the names of data sets are escaped."""
    counts = {arm: [[4.0, 2.0, 1.0, 0.0], [0.0, 1.0, 2.0, 4.0]] for arm in ("baseline", "candidate")}
    document = read_html("".join(figures(ScoreCurves("<b>", counts))))
    assert document.tags.count("figure") == 3
    assert document.tags.count("path") == 3 * 2 * 2
    assert "b" not in document.tags
    assert all(len(set(labels)) == 3 for labels in [[v for _, name, v in document.attributes if name == "aria-label"]])
