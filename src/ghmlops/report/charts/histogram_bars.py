"""Distributions of both artifacts as bars: SVG without script or style of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.text import escape, numbers
from ghmlops.report.text import outcome_text as words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.report.text.blocks import Histogram

WIDTH, HEIGHT = 320, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 312, 8, 122
_LABEL = 14
_MOST_LABELS = 6


def figure(drawn: Histogram) -> Iterator[str]:
    """Draw the share of each side's rows by bin: the baseline as bars, the candidate as an outline over them.

    Bins are drawn equally wide; a caption names the column and how far it moved. Sides without a row draw nothing.
    """
    before, after = _shares(drawn.baseline), _shares(drawn.candidate)
    highest = max([*before, *after], default=0.0)
    if highest <= 0:
        return
    width = (RIGHT - LEFT) / len(before)
    parts = [
        *_bars(before, highest, width),
        *_outline(after, highest, width, joined=drawn.numeric),
        f'<line class="axis" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{BOTTOM}"/>',
        *_labels(drawn, width),
    ]
    told = f"Distribution of {escape.page(drawn.column, 60)}, baseline against candidate: {drawn.distances or 'shown'}"
    box = f'class="chart bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}"'
    yield f"<figure>\n<svg {box}><title>{told}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{_caption(drawn)}</figcaption>\n</figure>"


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total if total > 0 else 0.0 for count in counts]


def _bars(shares: Sequence[float], highest: float, width: float) -> Iterator[str]:
    for place, share in enumerate(shares):
        tall = share / highest * (BOTTOM - TOP)
        if tall > 0:
            box = f'x="{LEFT + place * width + 0.5:.1f}" y="{BOTTOM - tall:.1f}" width="{max(width - 1, 0.5):.1f}"'
            yield f'<rect class="bar" {box} height="{tall:.1f}"/>'


def _outline(shares: Sequence[float], highest: float, width: float, *, joined: bool) -> Iterator[str]:
    """Draw the candidate: steps where bins follow each other, else a cap over each value."""
    steps = []
    for place, share in enumerate(shares):
        left, right = LEFT + place * width, LEFT + (place + 1) * width
        tall = BOTTOM - share / highest * (BOTTOM - TOP)
        steps.append(f"{left:.1f} {tall:.1f}L{right:.1f} {tall:.1f}")
    path = "L".join(steps) if joined else "M".join(steps)
    yield f'<path class="outline" d="M{path}"/>'


def _labels(drawn: Histogram, width: float) -> Iterator[str]:
    """Name edges below their place; values below the middle of their bar, as many as there is room for."""
    if drawn.numeric:
        last = len(drawn.labels) - 1
        shown = [(0, "start"), (last // 2, "middle"), (last, "end")] if last > 1 else [(0, "start"), (last, "end")]
        for place, anchor in shown:
            yield _label(LEFT + place * width, drawn.labels[place], anchor)
        return
    step = -(-len(drawn.labels) // _MOST_LABELS)
    room = max(int(width * step / 7), 3)
    for place in range(0, len(drawn.labels), step):
        yield _label(LEFT + (place + 0.5) * width, drawn.labels[place], "middle", min(room, _LABEL))


def _label(at: float, text: str, anchor: str, limit: int = _LABEL) -> str:
    kind = {"start": ' class="name"', "end": ' class="row"'}.get(anchor, "")
    return f'<text{kind} x="{at:.1f}" y="{BOTTOM + 18}">{escape.page(text, limit)}</text>'


def _caption(drawn: Histogram) -> str:
    place = f" · <code><bdi>{escape.page(drawn.dataset, 60)}</bdi></code>" if drawn.dataset else ""
    said = f"<code><bdi>{escape.page(drawn.column, 80)}</bdi></code>{place}"
    distances = f" {drawn.distances}" if drawn.distances else ""
    rows = f"{_total(drawn.baseline)} → {_total(drawn.candidate)} rows"
    judged = ""
    if drawn.outcome is not None:
        word = words.OUTCOME_LABELS[drawn.outcome]
        badge = f'<span aria-hidden="true">{word.glyph}</span> {word.word}'
        judged = f' <span class="badge {drawn.outcome.value}">{badge}</span>'
    return f"{said}{judged}<br>{rows}{';' if distances else ''}{distances}"


def _total(counts: Sequence[float]) -> str:
    return numbers.count(int(sum(counts)))
