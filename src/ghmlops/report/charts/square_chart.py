"""Tables of shaded squares: decisions by label, changes by slice and metric. SVG without scripts and inline styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.report.text import escape, numbers
from ghmlops.report.text.scope import scope_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ghmlops.report.text.drawings import ConfusionTables, SliceMap

_SIZE, _GAP = 44, 12
"""Side of a square, and height of a row of text."""
_LABEL_WIDTH, _SLICE_WIDTH, _METRIC_WIDTH, _ROW = 110, 300, 96, 22
_MAX_LABEL, _MAX_SLICE = 14, 42
FULL = 2.0
"""Multiple of the margin at which a square of a slice has its full colour."""


def confusion(tables: ConfusionTables) -> Iterator[str]:
    """Draw the table of each side: the share of a label's rows that each decision has, as shade and in percent."""
    where = escape.page(scope_text(tables.dataset, " of "), 120)
    names = [escape.page(name, _MAX_LABEL) for name in tables.classes]
    for arm, rows in tables.rows.items():
        title = f"Decisions by label{where}: {arm}"
        width, height = _LABEL_WIDTH + _SIZE * len(names) + 4, 2 * _GAP + 16 + _SIZE * len(names)
        parts = [f'<text class="row" x="{_LABEL_WIDTH - 8}" y="{_GAP}">label / decision</text>']
        for column, name in enumerate(names):
            parts.append(f'<text x="{_LABEL_WIDTH + _SIZE * (column + 0.5)}" y="{2 * _GAP}">{name[:6]}</text>')
        for row, (name, counts) in enumerate(zip(names, rows, strict=True)):
            y = 2 * _GAP + 8 + _SIZE * row
            parts.append(f'<text class="row" x="{_LABEL_WIDTH - 8}" y="{y + _SIZE / 2 + 4}">{name}</text>')
            parts += _squares(counts, y, row)
        yield from _figure(parts, title, (width, height), "Shade and number: share of the rows of a label.")


def _squares(counts: Sequence[float], y: float, label: int) -> Iterator[str]:
    total = sum(counts) or 1.0
    for column, count in enumerate(counts):
        share, x = count / total, _LABEL_WIDTH + _SIZE * column
        kind = "right" if column == label else "wrong"
        box = f'x="{x}" y="{y}" width="{_SIZE - 2}" height="{_SIZE - 2}"'
        yield f'<rect class="cell {kind}" {box} fill-opacity="{0.04 + 0.5 * share:.2f}"/>'
        yield f'<text class="ink" x="{x + _SIZE / 2 - 1}" y="{y + _SIZE / 2 + 4}">{100 * share:.3g}</text>'


def slice_map(drawing: SliceMap) -> Iterator[str]:
    """Draw each slice as a row and each metric as a column; the number is the loss as a multiple of the margin."""
    where = escape.page(scope_text(drawing.dataset, " of "), 120)
    width = _SLICE_WIDTH + _METRIC_WIDTH * len(drawing.metrics)
    height = _ROW * (len(drawing.slices) + 1) + 6
    parts = [
        f'<text x="{_SLICE_WIDTH + _METRIC_WIDTH * (column + 0.5)}" y="15">{escape.page(metric, _MAX_LABEL)}</text>'
        for column, metric in enumerate(drawing.metrics)
    ]
    for row, (name, losses) in enumerate(zip(drawing.slices, drawing.losses, strict=True)):
        y = _ROW * (row + 1)
        parts.append(f'<text class="row" x="{_SLICE_WIDTH - 8}" y="{y + 15}">{escape.page(name, _MAX_SLICE)}</text>')
        for column, loss in enumerate(losses):
            if loss is None:
                continue
            x = _SLICE_WIDTH + _METRIC_WIDTH * column
            kind, shade = ("wrong" if loss > 0 else "right"), 0.5 * min(abs(loss) / FULL, 1.0)
            box = f'x="{x}" y="{y}" width="{_METRIC_WIDTH - 2}" height="{_ROW - 2}"'
            number = numbers.rounded(loss, 2, signed=True)
            parts.append(f'<rect class="cell {kind}" {box} fill-opacity="{shade:.2f}"/>')
            parts.append(f'<text class="ink" x="{x + _METRIC_WIDTH / 2 - 1}" y="{y + 14}">{number}</text>')
    omitted = f" {drawing.omitted:,} more slices are in the table." if drawing.omitted else ""
    caption = f"Number: loss as a multiple of the margin; above 1 is beyond the limit, below 0 is a gain.{omitted}"
    yield from _figure(parts, f"Slices by metric{where}", (width, height), caption)


def _figure(parts: list[str], title: str, size: tuple[float, float], caption: str) -> Iterator[str]:
    box = f'class="chart squares" viewBox="0 0 {size[0]} {size[1]}" width="{size[0]}" role="img" aria-label="{title}"'
    yield f"<figure>\n<svg {box}><title>{title}</title>{''.join(parts)}</svg>"
    yield f"<figcaption>{title}. {caption}</figcaption>\n</figure>"
