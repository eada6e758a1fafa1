"""Answers of several generator processes, put into the order of the whole schedule."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.latency.answers import Answers, Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_COLUMNS = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
_TOKEN_COLUMNS = ("first", "last", "count")


def join(parts: Sequence[Answers]) -> Answers:
    """Return answers one after the other."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    return weave(parts, [np.arange(a, b) for a, b in pairwise(starts.tolist())])


def weave(parts: Sequence[Answers], places: Sequence[NDArray[np.int64]]) -> Answers:
    """Return answers, each at its place; the places of all parts are 0 to n - 1, each once.

    Raises:
        ValueError: places do not fit the parts.
    """
    order = np.argsort(np.concatenate(places), kind="stable")
    if sum(len(part) for part in parts) != len(order):
        raise ValueError("as many places as answers")
    columns: dict[str, Any] = {
        name: None if getattr(parts[0], name) is None else np.concatenate([getattr(p, name) for p in parts])[order]
        for name in _COLUMNS
    }
    return Answers(**columns, tokens=_tokens([part.tokens for part in parts], places, order))


def _tokens(
    parts: Sequence[Tokens | None], places: Sequence[NDArray[np.int64]], order: NDArray[np.int64]
) -> Tokens | None:
    found = [part for part in parts if part is not None]
    if not found:
        return None
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in found])[order] for name in _TOKEN_COLUMNS
    }
    gap_of = [where[part.gap_of].astype(np.uint32) for part, where in zip(found, places, strict=True)]
    return Tokens(**columns, gap=np.concatenate([part.gap for part in found]), gap_of=np.concatenate(gap_of))


def merge_notes(notes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one note for all processes: counts added up, flags true where all are, else what is the same for all.

    What differs and cannot be added stands as a list, process by process.
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
