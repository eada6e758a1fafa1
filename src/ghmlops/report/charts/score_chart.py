"""ROC, precision-recall and reliability curves of both sides, as SVG without scripts and inline styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.charts.axis import Axis
from ghmlops.report.content.predictions.drawings import rates, reliability
from ghmlops.report.text import escape
from ghmlops.report.text.scope import scope_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ghmlops.report.text.drawings import ScoreCurves

WIDTH, HEIGHT = 320, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 308, 24, 248
BINS_PER_POINT = 4
"""Bins per point of the reliability curve: 15 points of 60 bins, as for the expected calibration error."""
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_X, _Y = Axis(0.0, 1.0, LEFT, RIGHT), Axis(0.0, 1.0, BOTTOM, TOP)
Points = list[tuple[float, float]]


def figures(curves: ScoreCurves) -> Iterator[str]:
    """Draw the three curves; each has a line per side, and the diagonal where it has a meaning."""
    sides = {arm: (rates(counts), reliability(counts, BINS_PER_POINT)) for arm, counts in curves.counts.items()}
    where = escape.page(scope_text(curves.dataset, " of "), 120)
    roc = {arm: [(false, true) for false, true, _ in points] for arm, (points, _) in sides.items()}
    yield from _figure(roc, f"ROC curve{where}", "false-positive rate", "true-positive rate", diagonal=True)
    recall = {arm: [(true, precision) for _, true, precision in points] for arm, (points, _) in sides.items()}
    yield from _figure(recall, f"Precision-recall curve{where}", "recall", "precision", diagonal=False)
    calibration = {arm: [(score, share) for score, share, _ in points] for arm, (_, points) in sides.items()}
    yield from _figure(calibration, f"Reliability{where}", "mean score", "share of positives", diagonal=True)


def _figure(lines: dict[str, Points], title: str, x_title: str, y_title: str, *, diagonal: bool) -> Iterator[str]:
    parts = [*_grid(x_title)]
    if diagonal:
        parts.append(f'<line class="limit" x1="{LEFT}" y1="{BOTTOM}" x2="{RIGHT}" y2="{TOP}"/>')
    for number, (arm, points) in enumerate(lines.items()):
        path = "L".join(f"{_X.clip(x)} {_Y.clip(y)}" for x, y in points)
        parts.append(f'<path class="{arm}" d="M{path}"/>')
        x = LEFT + 130 * number
        parts.append(
            f'<path class="{arm}" d="M{x} 10L{x + 24} 10"/><text class="name" x="{x + 30}" y="14">{arm}</text>'
        )
    box = f'class="chart bars" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}"'
    yield f"<figure>\n<svg {box}><title>{title}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{title}: {y_title} over {x_title}</figcaption>\n</figure>"


def _grid(x_title: str) -> Iterator[str]:
    for value in _TICKS:
        yield f'<line class="grid" x1="{LEFT}" y1="{_Y(value)}" x2="{RIGHT}" y2="{_Y(value)}"/>'
        yield f'<text class="row" x="{LEFT - 6}" y="{float(_Y(value)) + 4:.1f}">{value:g}</text>'
        yield f'<line class="grid" x1="{_X(value)}" y1="{TOP}" x2="{_X(value)}" y2="{BOTTOM}"/>'
        yield f'<text x="{_X(value)}" y="{BOTTOM + 16}">{value:g}</text>'
    yield f'<text x="{(LEFT + RIGHT) / 2}" y="{HEIGHT - 14}">{x_title}</text>'
