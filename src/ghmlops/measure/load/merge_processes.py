"""Merges the results of several generator processes in schedule order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_COLUMNS = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
_TOKEN_COLUMNS = ("first", "last", "count", "first_output", "generated", "burst")


def concatenate(parts: Sequence[Answers]) -> Answers:
    """Return the rows of all parts, one part after the other."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    return interleave(parts, [np.arange(start, stop) for start, stop in pairwise(starts.tolist())])


def interleave(parts: Sequence[Answers], positions: Sequence[NDArray[np.int64]]) -> Answers:
    """Return the rows of all parts, each at its position in the result.

    Args:
        parts: Rows of each generator process.
        positions: For each part, the position of each of its rows. Over all parts they are 0 to n - 1, each once.

    Raises:
        ValueError: The numbers of rows and positions differ.
    """
    order = np.argsort(np.concatenate(positions), kind="stable")
    if sum(len(part) for part in parts) != len(order):
        raise ValueError("the number of positions must equal the number of rows")
    columns: dict[str, Any] = {
        name: None
        if getattr(parts[0], name) is None
        else np.concatenate([getattr(part, name) for part in parts])[order]
        for name in _COLUMNS
    }
    return Answers(**columns, tokens=_tokens([part.tokens for part in parts], positions, order))


def _tokens(
    parts: Sequence[Tokens | None], positions: Sequence[NDArray[np.int64]], order: NDArray[np.int64]
) -> Tokens | None:
    streams = [part for part in parts if part is not None]
    if not streams:
        return None
    columns: dict[str, Any] = {
        name: None
        if getattr(streams[0], name) is None
        else np.concatenate([getattr(part, name) for part in streams])[order]
        for name in _TOKEN_COLUMNS
    }
    gap_of = [index[part.gap_of].astype(np.uint32) for part, index in zip(streams, positions, strict=True)]
    return Tokens(**columns, gap=np.concatenate([part.gap for part in streams]), gap_of=np.concatenate(gap_of))


def merge_notes(notes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the notes of all processes as one.

    Counts are summed, also element by element in lists; a flag is true if it is true for every process; a value that
    is equal for all is taken once. Values that differ and cannot be summed become a list with one item per process.
    """
    return {name: _merge([note[name] for note in notes]) for name in notes[0]}


def _merge(values: list[Any]) -> object:
    first = values[0]
    if isinstance(first, bool):
        return all(values)
    if isinstance(first, int):
        return sum(values)
    if isinstance(first, list) and all(isinstance(item, int) for value in values for item in value):
        return [sum(column) for column in zip(*values, strict=True)]
    return first if all(value == first for value in values) else values
