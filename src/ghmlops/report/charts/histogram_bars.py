"""Histograms of a column of both artifacts, as SVG without scripts and inline styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.text import escape, numbers
from ghmlops.report.text import outcome_text as words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.report.text.blocks import Histogram

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 312, 8, 122
_MAX_LABEL_LENGTH = 14
_MAX_LABELS = 6
_CHARACTER_WIDTH = 7
_ANCHOR_CLASS = {"start": ' class="name"', "middle": "", "end": ' class="row"'}


def figure(histogram: Histogram) -> Iterator[str]:
    """Draw the share of rows per bin: the baseline as bars, the candidate as an outline over them.

    All bins have the same width. The caption names the column and the distances between both distributions. Yields
    nothing if neither artifact has rows.
    """
    baseline, candidate = _shares(histogram.baseline), _shares(histogram.candidate)
    highest = max([*baseline, *candidate], default=0.0)
    if highest <= 0:
        return
    bin_width = (RIGHT - LEFT) / len(baseline)
    parts = [
        *_bars(baseline, highest, bin_width),
        *_outline(candidate, highest, bin_width, connected=histogram.numeric),
        f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>',
        *_labels(histogram, bin_width),
    ]
    column = escape.page(histogram.column, 60)
    summary = f"Distribution of {column}, baseline against candidate: {histogram.distances or 'shown'}"
    box = f'class="chart bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{summary}"'
    yield f"<figure>\n<svg {box}><title>{summary}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(histogram)}</figcaption>\n</figure>"


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total > 0 else 0.0 for count in counts]


def _bars(shares: Sequence[float], highest: float, bin_width: float) -> Iterator[str]:
    for index, share in enumerate(shares):
        height = share / highest * (BOTTOM - TOP)
        if height > 0:
            x, width = LEFT + index * bin_width + 0.5, max(bin_width - 1, 0.5)
            box = f'x="{x:.1f}" y="{BOTTOM - height:.1f}" width="{width:.1f}" height="{height:.1f}"'
            yield f'<rect class="bar" {box}/>'


def _outline(shares: Sequence[float], highest: float, bin_width: float, *, connected: bool) -> Iterator[str]:
    """Draw the candidate: connected steps for the bins of a numeric column, otherwise a line on top of each value."""
    steps = []
    for index, share in enumerate(shares):
        left, right = LEFT + index * bin_width, LEFT + (index + 1) * bin_width
        y = BOTTOM - share / highest * (BOTTOM - TOP)
        steps.append(f"{left:.1f} {y:.1f}L{right:.1f} {y:.1f}")
    path = "L".join(steps) if connected else "M".join(steps)
    yield f'<path class="outline" d="M{path}"/>'


def _labels(histogram: Histogram, bin_width: float) -> Iterator[str]:
    """Label the first, middle and last edge of a numeric column; otherwise as many values as there is room for."""
    labels = histogram.labels
    if histogram.numeric:
        last = len(labels) - 1
        edges = [(0, "start"), (last // 2, "middle"), (last, "end")] if last > 1 else [(0, "start"), (last, "end")]
        for index, anchor in edges:
            yield _label(LEFT + index * bin_width, labels[index], anchor)
        return
    step = -(-len(labels) // _MAX_LABELS)
    max_length = min(max(int(bin_width * step / _CHARACTER_WIDTH), 3), _MAX_LABEL_LENGTH)
    for index in range(0, len(labels), step):
        yield _label(LEFT + (index + 0.5) * bin_width, labels[index], "middle", max_length)


def _label(x: float, text: str, anchor: str, max_length: int = _MAX_LABEL_LENGTH) -> str:
    return f'<text{_ANCHOR_CLASS[anchor]} x="{x:.1f}" y="{BOTTOM + 18}">{escape.page(text, max_length)}</text>'


def _caption(histogram: Histogram) -> str:
    title = f"<code><bdi>{escape.page(histogram.column, 80)}</bdi></code>"
    if histogram.dataset:
        title += f" · <code><bdi>{escape.page(histogram.dataset, 60)}</bdi></code>"
    if histogram.outcome is not None:
        label = words.OUTCOME_LABELS[histogram.outcome]
        symbol = f'<span aria-hidden="true">{label.glyph}</span>'
        title += f' <span class="badge {histogram.outcome.value}">{symbol} {label.word}</span>'
    rows = f"{_total(histogram.baseline)} → {_total(histogram.candidate)} rows"
    return f"{title}<br>{rows}; {histogram.distances}" if histogram.distances else f"{title}<br>{rows}"


def _total(counts: Sequence[float]) -> str:
    return numbers.count(int(sum(counts)))
