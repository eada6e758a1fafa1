"""Parts that the charts of response times share."""

from __future__ import annotations

from ghmlops.report.charts.arm_chart import figure, legend, time_axis
from report.reading import read_html


def test_times_that_have_no_logarithm_do_not_count() -> None:
    """Zero and infinite times are left out of the range of the axis; without any other time there is no axis."""
    axis = time_axis([0.0, 10.0, 1000.0, float("inf")], 0.0, 1.0)
    assert axis is not None
    assert (round(axis.min_value, 3), round(axis.max_value, 3)) == (9.524, 1050.0)
    assert time_axis([0.0], 0.0, 1.0) is None


def test_a_figure_is_readable_without_seeing_it() -> None:
    """The drawing has the role of an image, and its summary as label and title."""
    text = "".join(figure(legend(["candidate"]), "p50 4 ms", "caption"))
    read_html(text)
    assert 'role="img" aria-label="p50 4 ms"><title>p50 4 ms</title>' in text
    assert text.count('class="candidate"') == 1
