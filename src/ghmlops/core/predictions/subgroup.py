"""A subgroup of the rows: a slice, a window, or all rows of a data set, with the comparison of one metric in it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ghmlops.core.policy.targets import scope_words
from ghmlops.core.predictions.ruling import Comparison

Value = str | int | float | bool | None
"""A value of a slice column; a null is a value like any other."""
SubgroupKey = tuple[object, ...]
"""Identifies a subgroup: its data set, its slice items and its window."""


class Subgroup(msgspec.Struct, frozen=True, kw_only=True):
    """One metric compared in one slice or window of one data set.

    `slice` is empty for a window, `window` is None for a slice; both are so for all rows of a data set.
    """

    slice: Mapping[str, Value]
    """Column to value."""
    window: str | None
    """ISO 8601 start of the window (UTC)."""
    comparison: Comparison
    dataset: str = ""
    """Empty if there is a single data set."""

    @property
    def name(self) -> str:
        """Name within a sentence: `device = tablet, country = FR`, or `data set eu, window 2025-03-01`."""
        return subgroup_name(self.slice, self.window, self.dataset)

    @property
    def label(self) -> str:
        """Name within a table that has a column for the data set: `device = tablet`, or `2025-03-01`."""
        return subgroup_name(self.slice, None) if self.window is None else self.window

    @property
    def key(self) -> SubgroupKey:
        """Key of the subgroup, the same for all its metrics."""
        return (self.dataset, *self.slice.items(), self.window)


def subgroup_name(slice_values: Mapping[str, Value], window: str | None, dataset: str = "") -> str:
    """Return the name of a slice or a window within a sentence; empty for all rows of the only data set."""
    parts = [scope_words(dataset)] if dataset else []
    if window is not None:
        parts.append(f"window {window}")
    else:
        parts += [f"{column} = {'null' if value is None else value}" for column, value in slice_values.items()]
    return ", ".join(parts)
