"""Keeping a text under a size by leaving out whole rows from the bottom of its largest tables."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Lines between a head and a tail, the most important first. Without a line left, head and tail go too."""

    head: str
    lines: list[str]
    tail: str = ""
    expendable: int = 0
    """So many lines at the bottom go before any line of any other rows that is not expendable."""


Block = str | Rows


def fit(blocks: Sequence[Block], limit: int, notice: Callable[[int], str], at: int) -> str:
    """Join `blocks` with blank lines to at most `limit` bytes.

    Args:
        blocks: texts, which are kept, and rows, which may be left out.
        limit: in bytes of UTF-8.
        notice: from the number of rows left out to a text for the reader.
        at: place among `blocks` before which the notice goes, where any row is left out.

    Raises:
        ValueError: the blocks that must be kept are longer than `limit` by themselves (a bug, not an input).
    """
    kept = [len(block.lines) if isinstance(block, Rows) else 0 for block in blocks]
    whole = _joined(blocks, kept)
    if _size(whole) <= limit:
        return whole
    total = sum(kept)
    excess = _size(whole) - limit + _size(notice(total) + _GAP) + _notes(blocks)
    excess = _shorten(blocks, kept, excess, [_floor(block) for block in blocks])
    _shorten(blocks, kept, excess, [0] * len(blocks))
    told = notice(total - sum(kept))
    text = _joined([*blocks[:at], told, *blocks[at:]], [*kept[:at], 0, *kept[at:]])
    if _size(text) > limit:
        raise ValueError(f"the fixed part of the report is longer than {limit} bytes")
    return text


def _floor(block: Block) -> int:
    return max(len(block.lines) - block.expendable, 0) if isinstance(block, Rows) else 0


def _shorten(blocks: Sequence[Block], kept: list[int], excess: int, floors: Sequence[int]) -> int:
    """Lower the numbers in `kept` until `excess` bytes are gone, or all are at their floors; return what is left."""
    sizes = {
        i: [_size(line) + 1 for line in block.lines[: kept[i]]]
        for i, block in enumerate(blocks)
        if isinstance(block, Rows) and kept[i] > floors[i]
    }
    heap = [(-sum(rows), i) for i, rows in sizes.items()]
    heapq.heapify(heap)
    while excess > 0 and heap:
        size, i = heapq.heappop(heap)
        kept[i] -= 1
        gone = sizes[i][kept[i]]
        excess -= gone
        if kept[i] > floors[i]:
            heapq.heappush(heap, (size + gone, i))
        elif not kept[i]:
            block = blocks[i]
            excess -= _size(block.head + block.tail) if isinstance(block, Rows) else 0
    return excess


def _notes(blocks: Sequence[Block]) -> int:
    return sum(_size(_note(len(b.lines), len(b.lines)) + _GAP) for b in blocks if isinstance(b, Rows))


def _note(gone: int, total: int) -> str:
    return f"*{gone:,} of {total:,} rows are left out here.*"


def _joined(blocks: Sequence[Block], kept: Sequence[int]) -> str:
    return _GAP.join(text for block, k in zip(blocks, kept, strict=True) if (text := _text(block, k)))


def _text(block: Block, kept: int) -> str:
    if isinstance(block, str):
        return block
    gone = len(block.lines) - kept
    parts = [part for part in (block.head, *block.lines[:kept], block.tail) if part] if kept else []
    shown = "\n".join(parts)
    if not gone:
        return shown
    return _GAP.join(part for part in (shown, _note(gone, len(block.lines))) if part)


def _size(text: str) -> int:
    return len(text.encode())
