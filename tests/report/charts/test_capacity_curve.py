"""The chart of a capacity search: positions, and that no evidence can break it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.report.charts.capacity_curve import figure
from ghmlops.report.content.evidence_tables import details_tables
from ghmlops.report.formats import html, markdown
from ghmlops.report.text.blocks import CapacityCurve
from report import samples
from report.reading import read_html

SAMPLE = CapacityCurve(
    rates=[10.0, 20.0, 30.0, 40.0, 80.0],
    lines={"p99": [10.0, 20.0, 300.0, None, None], "p95": [5.0, None, 7.0, None, None]},
    limits={"p99": 50.0},
    low=20.0,
    high=30.0,
)


def draw(curve: CapacityCurve) -> str:
    """Return the figure as one text."""
    return "".join(figure(curve))


def test_positions_follow_the_numbers() -> None:
    """The axes end at 40/s, one rate after the last dot, and at twice the objective; 80/s is in the table only."""
    text = draw(SAMPLE)
    assert '<circle class="p99" cx="204.5" cy="229.8"' in text
    assert '<circle class="p95" cx="485.5" cy="236.5"' in text
    assert '<line class="limit" x1="64" y1="141.0" x2="626" y2="141.0"/>' in text
    assert '<rect class="band" x="345.0" y="30" width="140.5"' in text
    assert "above 40.00\u00a0/s" in text


def test_a_line_is_clipped_at_the_top() -> None:
    """The line from 20 ms at 20/s to 300 ms at 30/s crosses 100 ms at 22.86/s."""
    assert 'd="M204.5 229.8L345.0 207.6 M345.0 207.6L385.1 30.0"' in draw(SAMPLE)
    assert "above 100\u00a0ms" in draw(SAMPLE)


def test_a_missing_number_is_a_gap() -> None:
    """No line crosses 20/s, at which p95 is unknown."""
    assert '<path class="p95"' not in draw(SAMPLE)
    assert draw(SAMPLE).count('<circle class="p95"') == 2


def test_an_open_interval_extends_to_the_border() -> None:
    """If no rate misses the objectives, the band has one edge and the caption names no upper bound."""
    text = draw(SAMPLE._replace(high=None))
    assert text.count('class="edge"') == 1
    assert 'x="345.0" y="30" width="281.0"' in text
    assert "no probed rate" in text
    assert "band" not in draw(SAMPLE._replace(low=None))


def test_nothing_is_drawn_without_numbers() -> None:
    """Nothing is drawn if no request was answered."""
    assert draw(SAMPLE._replace(lines={"p99": [None] * 5})) == ""


@pytest.mark.parametrize("bad", [None, "x", True, -1, 0, 1e-320, 1e299, 1e308, 2**62, [], {"a": 1}, "<svg onload=x>"])
@pytest.mark.parametrize("field", ["rate", "p50_ms", "p99_ms", "low", "high", "quantiles", "objectives", "result"])
def test_bad_numbers_are_refused_or_leave_a_readable_page(field: str, bad: Any) -> None:
    """A wrong value in one field makes the evidence unreadable, or the page has balanced tags and finite numbers."""
    details = msgspec.to_builtins(samples.capacity_details())
    if field in ("low", "high"):
        details["result"][field] = bad
    elif field == "quantiles":
        details["settings"]["objectives"]["quantiles"] = {"p99": bad}
    elif field == "objectives":
        details["settings"]["objectives"] = bad
    elif field == "result":
        details["result"] = bad
    else:
        details["curve"][3][field] = bad
    try:
        file = msgspec.structs.replace(samples.capacity(), details=msgspec.convert(details, CapacityDetails))
    except msgspec.ValidationError:
        assert not isinstance(bad, int | float) or isinstance(bad, bool) or field in ("objectives", "result")
        return
    text = html.page(samples.report(file))
    read_html(text)
    for chart in re.findall(r"<svg class=\"chart\".*?</svg>", text):
        assert not re.search(r"nan|inf[^o]", chart)
        assert all(abs(float(n)) <= 640 for n in re.findall(r'[ "][xyc][xy12]*="([^"]+)"', chart))


def test_one_rate_or_very_many_are_not_drawn() -> None:
    """The table is shown without a chart."""
    details = samples.capacity_details()
    point = details.curve[0]
    many = [msgspec.structs.replace(point, rate=float(i + 1)) for i in range(301)]
    for curve in (details.curve[:1], many):
        file = samples.evidence("capacity", [], details=msgspec.structs.replace(details, curve=curve))
        assert all(table.chart is None for table in details_tables([file]))


def test_markdown_has_the_table() -> None:
    """The comment has the same numbers in a table, without a chart."""
    text = markdown.summary(samples.report(samples.capacity()))
    assert "capacity: curve" in text
    assert "svg" not in text
