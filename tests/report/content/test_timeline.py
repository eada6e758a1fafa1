"""A metric over time: which windows are drawn, as Mermaid for Markdown and as SVG for the page."""

from __future__ import annotations

import re
from itertools import pairwise

import msgspec
import pytest

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.report.charts import mermaid
from ghmlops.report.charts import timeline_chart as line_chart
from ghmlops.report.content import timeline
from ghmlops.report.formats import markdown
from ghmlops.report.text.blocks import Timeline, TimelinePoint
from report import prediction_samples, samples
from report.reading import read_html


def points(harm: set[int], total: int) -> list[TimelinePoint]:
    """Return windows of 80 %, those with harm 70 %."""
    return [
        TimelinePoint(
            f"2025-01-{i:03d}", 0.8, 0.7 if i in harm else 0.8, -0.02, 0.02, Outcome.FAIL if i in harm else Outcome.PASS
        )
        for i in range(total)
    ]


def drawing(harm: set[int], total: int, **changed: object) -> Timeline:
    known = Timeline(
        metric="accuracy",
        dataset="",
        unit="ratio",
        points=points(harm, total),
        floor=0.05,
        ceiling=None,
        in_markdown=True,
    )
    return known._replace(**changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("harm", "total", "kept"),
    [
        (set(), 10, 10),
        (set(), 60, 60),
        (set(), 400, 60),
        ({7, 399}, 400, 60),
        (set(range(0, 400, 2)), 400, 200),
        (set(range(400)), 400, 400),
    ],
)
def test_windows_are_thinned_out_and_harm_stays(harm: set[int], total: int, kept: int) -> None:
    """At most 60 windows in the order of time, spread over all of it, with every one that tells of harm."""
    drawn = points(harm, total)
    shown = timeline.thin_out(drawn, 60)
    assert len(shown) == kept
    assert shown == sorted(shown, key=drawn.index)
    assert {m.window for m in shown if m.outcome is Outcome.FAIL} == {drawn[i].window for i in harm}
    others = [drawn.index(m) for m in shown if m.outcome is Outcome.PASS]
    assert max((b - a for a, b in pairwise(others)), default=0) <= 8


def test_the_mermaid_chart_says_the_numbers() -> None:
    """Both lines in percent, an axis around them, and a bar to the top where there is harm."""
    drawn = mermaid.chart_lines(drawing({1}, 3))
    unseen = [name.translate({0x200B: "0", 0x200C: "1"}) for name in re.findall(r'"([^"]*)"', drawn[2])]
    assert unseen == ["2025-01-00000", "2025-01-00101", "2025-01-00210"]
    assert drawn[1].strip() == "xychart-beta"
    assert [line.strip() for line in drawn[3:]] == [
        'y-axis "accuracy, %" 69.4 --> 80.6',
        "bar [58.2, 80.6, 58.2]",
        "line [80, 80, 80]",
        "line [80, 70, 80]",
    ]
    assert not any("bar" in line for line in mermaid.chart_lines(drawing(set(), 3)))


def test_mermaid_names_are_unique_and_few_can_be_seen() -> None:
    """Two windows of one name would be drawn as one; dates side by side would lie over each other."""
    names = re.findall(r'"([^"]*)"', mermaid.chart_lines(drawing(set(range(0, 400, 3)), 400))[2])
    assert len(names) == len(set(names)) == 134
    assert sum(bool(name.strip("\u200b\u200c")) for name in names) <= 6


@pytest.mark.parametrize(
    ("value", "written"), [(1e-7, "0.0000001"), (123456789.0, "123456789"), (-2.5e-12, "-0"), (0.1, "0.1")]
)
def test_mermaid_numbers_have_no_exponent(value: float, written: str) -> None:
    """Its grammar has none."""
    assert mermaid.format_number(value) == written


def test_nothing_is_drawn_without_a_scale() -> None:
    """One window, or numbers too small or too large to tell apart, give no drawing, and no error."""
    for value in (0.0, 1e-9, 1e13):
        odd = [TimelinePoint(f"w{i}", value, value, None, None, Outcome.PASS) for i in range(3)]
        assert mermaid.chart_lines(drawing(set(), 3, points=odd, unit="", floor=None)) == []
        assert list(line_chart.figure(drawing(set(), 3, points=odd, unit="", floor=None))) == []
    assert list(line_chart.figure(drawing(set(), 1))) == []


def test_the_svg_lies_where_its_numbers_say() -> None:
    """Windows from edge to edge; harm is shaded and marked; the limit is the margin below the baseline."""
    text = "".join(line_chart.figure(drawing({1}, 3)))
    read_html(text)
    low, high = timeline.axis_bounds([0.7, 0.82, 0.78, 0.8, 0.75]) or (0.0, 1.0)

    def up(value: float) -> str:
        return f"{250 + (value - low) / (high - low) * (36 - 250):.1f}"

    assert f'<path class="candidate" d="M72.0 {up(0.8)}L408.0 {up(0.7)} M408.0 {up(0.7)}L744.0 {up(0.8)}"/>' in text
    assert f'<path class="limit" d="M72.0 {up(0.75)}L408.0 {up(0.75)} M408.0' in text
    assert f'<path class="band" d="M72.0 {up(0.82)}L408.0 {up(0.82)}L744.0 {up(0.82)}L744.0 {up(0.78)}' in text
    assert '<rect class="shade fail" x="240.0" y="36" width="336.0" height="214"/>' in text
    assert f'<circle class="mark fail" cx="408.0" cy="{up(0.7)}" r="4.5"><title>2025-01-001: fail</title>' in text
    assert "accuracy of baseline and candidate: 3 windows from 2025-01-000 to 2025-01-002, 1 with harm" in text


def test_an_interval_out_of_all_proportion_does_not_flatten_the_lines() -> None:
    """It is cut off at the border of the drawing."""
    wild = [m._replace(low=-1e6, high=1e6) for m in points({1}, 3)]
    text = "".join(line_chart.figure(drawing({1}, 3, points=wild)))
    assert '<path class="band" d="M72.0 36.0L408.0 36.0L744.0 36.0L744.0 250.0L' in text


def test_the_worst_metric_is_drawn_first_and_open() -> None:
    """In Markdown one drawing, of the series with the most failed windows; on the page all, each above its numbers."""
    whole = prediction_samples.predictions(datasets=("a", "b"))
    rows = [
        msgspec.structs.replace(row, outcome=Outcome.PASS) if row.dataset == "a" else row
        for row in prediction_samples.details_of(whole).timeline
    ]
    file = prediction_samples.with_tables(whole, timeline=rows)
    assert [series.timeline.dataset for series in timeline.metric_series(file)] == ["b", "a"]
    text = markdown.comment(samples.report(file))
    assert text.count("```mermaid") == 1
    assert text.index("### Over time") < text.index("in data set `b`: baseline grey") < text.index("<details>")


def test_without_harm_the_drawing_is_folded_away() -> None:
    """It stands under Windows then."""
    text = markdown.comment(samples.report(sample(broken=False)))
    assert "### Over time" not in text
    assert text.index("<details><summary>Windows") < text.index("```mermaid")


def sample(*, broken: bool) -> Evidence:
    return prediction_samples.predictions(broken=broken)
