"""The curve of a search for capacity: what is drawn where, and that no evidence can break it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.report.charts import capacity_curve as chart
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


def drawn(given: CapacityCurve) -> str:
    return "".join(chart.figure(given))


def test_points_lie_where_their_numbers_say() -> None:
    """From 0 to 40/s across (one rate after the last dot), from 0 to twice the objective up; 80/s is left out."""
    text = drawn(SAMPLE)
    assert '<circle class="p99" cx="204.5" cy="229.8"' in text
    assert '<circle class="p95" cx="485.5" cy="236.5"' in text
    assert '<line class="limit" x1="64" y1="141.0" x2="626" y2="141.0"/>' in text
    assert '<rect class="band" x="345.0" y="30" width="140.5"' in text
    assert "Rates beyond 40.00\u00a0/s are left out" in text


def test_a_line_ends_at_the_top_of_the_drawing() -> None:
    """From 20 ms at 20/s to 300 ms at 30/s it passes 100 ms at 22.86/s."""
    assert 'd="M204.5 229.8L345.0 207.6 M345.0 207.6L385.1 30.0"' in drawn(SAMPLE)
    assert "beyond 100\u00a0ms are cut off" in drawn(SAMPLE)


def test_a_missing_number_is_a_gap() -> None:
    """p95 at 20/s is not known: no line runs over it."""
    assert '<path class="p95"' not in drawn(SAMPLE)
    assert drawn(SAMPLE).count('<circle class="p95"') == 2


def test_an_open_interval_runs_to_the_border() -> None:
    """No rate is shown to fail: one edge, and the caption says so."""
    text = drawn(SAMPLE._replace(high=None))
    assert text.count('class="edge"') == 1
    assert 'x="345.0" y="30" width="281.0"' in text
    assert "no probed rate to miss them" in text
    assert "band" not in drawn(SAMPLE._replace(low=None))


def test_nothing_is_drawn_without_numbers() -> None:
    """Where no request was answered there is no curve."""
    assert drawn(SAMPLE._replace(lines={"p99": [None] * 5})) == ""


@pytest.mark.parametrize("bad", [None, "x", True, -1, 0, 1e-320, 1e299, 1e308, 2**62, [], {"a": 1}, "<svg onload=x>"])
@pytest.mark.parametrize("place", ["rate", "p50_ms", "p99_ms", "low", "high", "quantiles", "objectives", "result"])
def test_bad_numbers_are_refused_or_leave_a_readable_page(place: str, bad: Any) -> None:
    """Each wrong value in one place of the evidence is unreadable, or the page has balanced tags and finite numbers."""
    details = msgspec.to_builtins(samples.capacity_details())
    if place in ("low", "high"):
        details["result"][place] = bad
    elif place == "quantiles":
        details["settings"]["objectives"]["quantiles"] = {"p99": bad}
    elif place == "objectives":
        details["settings"]["objectives"] = bad
    elif place == "result":
        details["result"] = bad
    else:
        details["curve"][3][place] = bad
    try:
        file = msgspec.structs.replace(samples.capacity(), details=msgspec.convert(details, CapacityDetails))
    except msgspec.ValidationError:
        assert not isinstance(bad, int | float) or isinstance(bad, bool) or place in ("objectives", "result")
        return
    text = html.page(samples.report(file))
    read_html(text)
    for figure in re.findall(r"<svg class=\"chart\".*?</svg>", text):
        assert not re.search(r"nan|inf[^o]", figure)
        assert all(abs(float(n)) <= 640 for n in re.findall(r'[ "][xyc][xy12]*="([^"]+)"', figure))


def test_one_rate_or_very_many_are_not_drawn() -> None:
    """The table of the curve remains."""
    details = samples.capacity_details()
    point = details.curve[0]
    many = [msgspec.structs.replace(point, rate=float(i + 1)) for i in range(301)]
    for curve in (details.curve[:1], many):
        file = samples.evidence("capacity", [], details=msgspec.structs.replace(details, curve=curve))
        assert all(table.chart is None for table in details_tables([file]))


def test_markdown_has_the_table() -> None:
    """Where no picture can be, the same numbers stand in the table."""
    text = markdown.comment(samples.report(samples.capacity()))
    assert "capacity: curve" in text
    assert "svg" not in text
