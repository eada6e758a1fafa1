"""Limits the size of a text by omitting rows from the bottom of its largest tables."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_GAP = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Lines between a head and a tail, most important first. If all lines are omitted, so are head and tail."""

    head: str
    lines: list[str]
    tail: str = ""
    expendable: int = 0
    """Number of lines at the bottom that are omitted before any other line of any block."""


Block = str | Rows


def fit(blocks: Sequence[Block], limit: int, notice: Callable[[int], str], notice_index: int) -> str:
    """Join `blocks` with blank lines to a text of at most `limit` bytes.

    Args:
        blocks: Texts, which are always included, and rows, which may be omitted.
        limit: Maximum size in bytes of UTF-8.
        notice: Returns the text for the reader, given the number of omitted rows.
        notice_index: Index in `blocks` before which the notice is inserted if rows are omitted.

    Raises:
        ValueError: The texts and notices alone are longer than `limit` (a bug of the caller).
    """
    counts = [len(block.lines) if isinstance(block, Rows) else 0 for block in blocks]
    text = _join(blocks, counts)
    if _size(text) <= limit:
        return text
    total = sum(counts)
    excess = _size(text) - limit + _size(notice(total) + _GAP) + _row_notes_size(blocks)
    excess = _shorten(blocks, counts, excess, [_required(block) for block in blocks])
    _shorten(blocks, counts, excess, [0] * len(blocks))
    with_notice = [*blocks[:notice_index], notice(total - sum(counts)), *blocks[notice_index:]]
    text = _join(with_notice, [*counts[:notice_index], 0, *counts[notice_index:]])
    if _size(text) > limit:
        raise ValueError(f"the fixed part of the report is longer than {limit} bytes")
    return text


def _required(block: Block) -> int:
    """Return the number of lines that are not expendable."""
    return max(len(block.lines) - block.expendable, 0) if isinstance(block, Rows) else 0


def _shorten(blocks: Sequence[Block], counts: list[int], excess: int, floors: Sequence[int]) -> int:
    """Lower `counts` in place until `excess` bytes are saved or all are at their floors; return the remaining excess.

    Each step omits the last line of the block that is the largest at that moment.
    """
    sizes = {
        i: [_size(line) + 1 for line in block.lines[: counts[i]]]
        for i, block in enumerate(blocks)
        if isinstance(block, Rows) and counts[i] > floors[i]
    }
    heap = [(-sum(rows), i) for i, rows in sizes.items()]
    heapq.heapify(heap)
    while excess > 0 and heap:
        negative_size, i = heapq.heappop(heap)
        counts[i] -= 1
        saved = sizes[i][counts[i]]
        excess -= saved
        if counts[i] > floors[i]:
            heapq.heappush(heap, (negative_size + saved, i))
        elif not counts[i]:
            block = blocks[i]
            excess -= _size(block.head + block.tail) if isinstance(block, Rows) else 0
    return excess


def _row_notes_size(blocks: Sequence[Block]) -> int:
    """Return the size of the notes below the tables if each table needs one."""
    return sum(_size(_row_note(len(b.lines), len(b.lines)) + _GAP) for b in blocks if isinstance(b, Rows))


def _row_note(omitted: int, total: int) -> str:
    return f"*{omitted:,} of {total:,} rows are omitted here.*"


def _join(blocks: Sequence[Block], counts: Sequence[int]) -> str:
    return _GAP.join(text for block, count in zip(blocks, counts, strict=True) if (text := _block_text(block, count)))


def _block_text(block: Block, count: int) -> str:
    if isinstance(block, str):
        return block
    omitted = len(block.lines) - count
    parts = [part for part in (block.head, *block.lines[:count], block.tail) if part] if count else []
    text = "\n".join(parts)
    if not omitted:
        return text
    return _GAP.join(part for part in (text, _row_note(omitted, len(block.lines))) if part)


def _size(text: str) -> int:
    return len(text.encode())
