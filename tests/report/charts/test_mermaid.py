"""Timelines as Mermaid charts: values, names and what the grammar allows."""

from __future__ import annotations

import re

import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.charts import mermaid
from ghmlops.report.text.blocks import TimelinePoint
from report.timeline_samples import sample_timeline


def test_the_chart_contains_the_values() -> None:
    """Both lines are in percent, within the bounds of the axis; a bar to the top marks the regression."""
    lines = mermaid.chart_lines(sample_timeline({1}, 3))
    names = [name.translate({0x200B: "0", 0x200C: "1"}) for name in re.findall(r'"([^"]*)"', lines[2])]
    assert names == ["2025-01-00000", "2025-01-00101", "2025-01-00210"]
    assert lines[1].strip() == "xychart-beta"
    assert [line.strip() for line in lines[3:]] == [
        'y-axis "accuracy, %" 69.4 --> 80.6',
        "bar [58.2, 80.6, 58.2]",
        "line [80, 80, 80]",
        "line [80, 70, 80]",
    ]
    assert not any("bar" in line for line in mermaid.chart_lines(sample_timeline(set(), 3)))


def test_names_are_unique_and_few_are_visible() -> None:
    """Mermaid draws two windows with the same name as one; more than six visible dates would overlap."""
    names = re.findall(r'"([^"]*)"', mermaid.chart_lines(sample_timeline(set(range(0, 400, 3)), 400))[2])
    assert len(names) == len(set(names)) == 134
    assert sum(bool(name.strip("\u200b\u200c")) for name in names) <= 6


def test_a_chart_is_never_longer_than_github_draws() -> None:
    """A year of failing days fits; of more windows than a diff has, as forged evidence may claim, there is no chart."""
    year = mermaid.chart_lines(sample_timeline(set(range(400)), 400))
    assert 400 < len("\n".join(year)) < 50_000
    assert year[4].count(",") == 399
    assert mermaid.chart_lines(sample_timeline(set(range(2_000)), 2_000)) == []


@pytest.mark.parametrize(
    ("value", "text"), [(1e-7, "0.0000001"), (123456789.0, "123456789"), (-2.5e-12, "-0"), (0.1, "0.1")]
)
def test_numbers_have_no_exponent(value: float, text: str) -> None:
    """Mermaid's grammar does not allow one."""
    assert mermaid.format_number(value) == text


@pytest.mark.parametrize(
    ("window", "label"),
    [
        ("2025-01-02", "2025-01-02"),
        ("2025-01-02T00:00:00Z", "2025-01-02"),
        ("2025-01-02T13:30:00Z", "2025-01-02 13:30"),
    ],
)
def test_labels_of_windows_are_short(window: str, label: str) -> None:
    """Midnight and seconds are omitted."""
    assert mermaid.short_window(window) == label


@pytest.mark.parametrize("value", [0.0, 1e-9, 1e13])
def test_values_without_a_usable_scale_give_no_chart(value: float) -> None:
    """Numbers too small or too large to be distinguished are not drawn and cause no error."""
    points = [TimelinePoint(f"w{index}", value, value, None, None, Outcome.PASS) for index in range(3)]
    assert mermaid.chart_lines(sample_timeline(set(), 3, points=points, unit="", floor=None)) == []


def test_the_legend_counts_regressions_and_omitted_windows() -> None:
    """It names the metric, both colours, the number of regressions and the number of omitted windows."""
    pieces = [piece.text for piece in mermaid.chart_legend(sample_timeline({7, 399}, 400))]  # type: ignore[union-attr]
    assert pieces[0] == "accuracy"
    assert "2025-01-007" in pieces
    assert re.findall(r"\d+", " ".join(piece for piece in pieces if piece != "2025-01-007")) == ["2", "340", "400"]
