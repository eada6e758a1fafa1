"""The curve of a search for capacity: what is drawn where, and that no evidence can break it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ghmlops.report.charts import capacity_curve as chart
from ghmlops.report.content.details import settings
from ghmlops.report.formats import html, markdown
from ghmlops.report.text.blocks import Chart
from report import samples
from report.reading import read_html

SAMPLE = Chart(
    rates=[10.0, 20.0, 30.0, 40.0, 80.0],
    lines={"p99": [10.0, 20.0, 300.0, None, None], "p95": [5.0, None, 7.0, None, None]},
    limits={"p99": 50.0},
    low=20.0,
    high=30.0,
)


def drawn(given: Chart) -> str:
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


@pytest.mark.parametrize("bad", [None, "x", True, -1, 0, 1e-320, 1e299, 1e308, 10**400, [], {"a": 1}, "<svg onload=x>"])
@pytest.mark.parametrize("place", ["rate", "p50_ms", "p99_ms", "low", "high", "quantiles", "objectives", "result"])
def test_bad_numbers_leave_a_page_that_can_be_read(place: str, bad: Any) -> None:
    """Whatever stands in one place of the evidence: no error, balanced tags, every number finite."""
    held = msgspec.json.decode(msgspec.json.encode(samples.capacity().details))
    held["curve"][3] = {**held["curve"][3], place: bad}
    held["result"] = bad if place == "result" else {**held["result"], place: bad}
    allowed = {"quantiles": {"p99": bad}} if place == "quantiles" else {place: bad, "quantiles": {"<b>": 0.2}}
    held["settings"]["objectives"] = bad if place == "objectives" else allowed
    text = html.page(samples.report(msgspec.structs.replace(samples.capacity(), details=held)))
    read_html(text)
    assert "<b>" not in text
    for figure in re.findall(r"<svg class=\"chart\".*?</svg>", text):
        assert not re.search(r"nan|inf[^o]", figure)
        assert all(abs(float(n)) <= 640 for n in re.findall(r'[ "][xyc][xy12]*="([^"]+)"', figure))


def test_only_a_search_for_capacity_has_a_chart() -> None:
    """The same table in other evidence, one rate, or more than any search probes: a table and no drawing."""
    told = samples.capacity()
    one, many = told.details["curve"][:1], [{"rate": float(r + 1), "p99_ms": 1.0} for r in range(301)]
    others = [msgspec.structs.replace(told, details={"curve": rows}) for rows in (one, many)]
    for other in (msgspec.structs.replace(told, command="latency"), *others):
        assert all(table.chart is None for table in settings([other]))
    assert sum(table.chart is not None for table in settings([told])) == 1


def test_markdown_has_the_table() -> None:
    """Where no picture can be, the same numbers stand in the table."""
    text = markdown.comment(samples.report(samples.capacity()))
    assert "capacity: curve" in text
    assert "svg" not in text
