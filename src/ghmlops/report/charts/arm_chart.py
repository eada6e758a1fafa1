"""Parts that the charts of response times share: the figure, the time axis and the legend of both arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts.log_axis import LogAxis
from ghmlops.report.text import escape, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ghmlops.report.text.blocks import LatencyCharts

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 466, 34, 250


def time_axis(times: Iterable[float], start: float, end: float) -> LogAxis | None:
    """Return an axis for times in milliseconds, slightly longer than their range; None without a time above zero."""
    usable = [time for time in times if 0 < time < numbers.MAX_FIXED]
    return LogAxis(min(usable) / 1.05, max(usable) * 1.05, start, end) if usable else None


def figure(parts: Iterable[str], summary: str, caption: str) -> Iterator[str]:
    """Yield a figure; `summary` is read by screen readers. Both are escaped already."""
    box = f'class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{summary}"'
    yield f"<figure>\n<svg {box}><title>{summary}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{caption}</figcaption>\n</figure>"


def legend(names: Iterable[str]) -> Iterator[str]:
    """Name the lines of the arms above the chart; the names are trusted and those of their classes."""
    for number, name in enumerate(names):
        x = LEFT + 8 + number * 120
        yield f'<line class="{name}" x1="{x}" y1="14" x2="{x + 30}" y2="14"/>'
        yield f'<text class="name" x="{x + 38}" y="18">{name}</text>'


def quantiles_in_words(charts: LatencyCharts) -> str:
    """Return the number of requests and the quantiles of each arm as one sentence per arm, escaped for the page."""
    return "; ".join(
        f"{arm}: {numbers.count(charts.requests[arm])} requests, {_listed(values)}"
        for arm, values in charts.quantiles.items()
    )


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{escape.page(name, 20)} {numbers.number(v, numbers.MILLISECONDS)}" for name, v in values.items())
