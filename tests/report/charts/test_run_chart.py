"""The chart over the time of a run: positions, gaps, failures and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.report.charts.run_chart import LEFT, RIGHT, figure, table
from ghmlops.report.formats.html_table import inline
from ghmlops.report.text.drawings import RunOverTime
from ghmlops.report.text.numbers import MISSING
from report.reading import read_html

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = RunOverTime(
    start_s=4,
    width_s=2,
    requests={"baseline": [100, 100, 100, 100], "candidate": [100, 100, 100, 100]},
    quantiles={
        "p50": {"baseline": [2.0, 2.1, 2.0, 2.2], "candidate": [2.1, 8.4, 2.1, 2.2]},
        "p99": {"baseline": [4.0, None, 4.0, 4.1], "candidate": [None, 90.0, None, None]},
    },
    failed={"baseline": [0, 0, 0, 0], "candidate": [0, 3, 1, 0]},
)


def test_lines_and_columns_are_at_their_times() -> None:
    """A value is in the middle of its interval; a gap interrupts a line; a value without neighbours is a dot."""
    text = "".join(figure(RUN))
    read_html(text)
    step = (RIGHT - LEFT) / 4
    assert text.count('<path class="candidate"') == 1
    assert text.count('<path class="baseline"') == 2
    assert f'<circle class="candidate" cx="{LEFT + 1.5 * step:.1f}"' in text
    assert f'<rect class="column candidate" x="{LEFT + 1.5 * step:.1f}"' in text
    assert text.count('<rect class="column') == 2


def test_the_drawing_is_described() -> None:
    """Title and description name the range of each quantile and the failures of each arm."""
    parsed = read_html("".join(figure(RUN)))
    labels = [value for tag, name, value in parsed.attributes if (tag, name) == ("svg", "aria-label")]
    assert len(labels) == 1
    text = "".join(figure(RUN)).split("<desc>")[1].split("</desc>")[0]
    assert "2.10 to 8.40 ms" in text
    assert "candidate: 4, in 2 of 4 intervals" in text


def test_the_table_has_every_number() -> None:
    """One row per interval: start, requests, quantiles of both arms, failures."""
    rows = [[inline(cell) for cell in row] for row in table(RUN).rows]
    assert len(table(RUN).columns) == len(rows[0]) == 9
    assert [row[0] for row in rows] == ["4", "6", "8", "10"]
    assert rows[1][1:] == ["100", "100", "2.10", "8.40", MISSING, "90.0", "0", "3"]


@pytest.mark.parametrize(
    "run",
    [
        RUN._replace(failed={}),
        RUN._replace(quantiles={}),
        RUN._replace(failed={"candidate": [0, 0, 0, 0]}),
        RUN._replace(quantiles={"p50": {"candidate": [1e-6, 3e9, None, 1.0]}}, start_s=2**31),
    ],
)
def test_parts_may_be_absent(run: RunOverTime) -> None:
    """Without failures, without times, and with extreme times, the drawing is well-formed and finite."""
    text = "".join(figure(run))
    read_html(text)
    assert "nan" not in text
    assert table(run).rows


def test_nothing_is_drawn_without_numbers() -> None:
    """Neither quantiles nor failures: no figure."""
    assert list(figure(RUN._replace(quantiles={}, failed={}))) == []


def test_the_drawing(golden: Callable[[str, str], None]) -> None:
    """The drawing is the one that was reviewed."""
    golden("chart-over-time.html", "\n".join(figure(RUN)) + "\n")
