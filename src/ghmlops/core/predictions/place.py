"""A subgroup: the values that select its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ghmlops.core.predictions.ruling import Comparison

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One metric in one slice or window of one data set. `slice` is empty for a window, `window` is None for a slice.

    Both are for all rows of a data set.
    """

    slice: Mapping[str, Value]
    window: str | None
    found: Comparison
    dataset: str = ""
    """Empty for the only one."""

    @property
    def name(self) -> str:
        """How a sentence names it: `device = tablet, country = FR`, or `data set eu, window 2025-03-01`."""
        return name_place(self.slice, self.window, self.dataset)

    @property
    def label(self) -> str:
        """How a table names it beside its data set: `device = tablet`, or `2025-03-01`."""
        return name_place(self.slice, None) if self.window is None else self.window

    @property
    def key(self) -> tuple[object, ...]:
        """The same for every metric of one slice or window."""
        return (self.dataset, *self.slice.items(), self.window)


def name_place(where: Mapping[str, Value], window: str | None, dataset: str = "") -> str:
    """Name a slice or a window for a sentence; all rows of the only data set have no name."""
    parts = [f"data set {dataset}"] if dataset else []
    if window is not None:
        return ", ".join([*parts, f"window {window}"])
    return ", ".join([*parts, *(f"{column} = {'null' if v is None else v}" for column, v in where.items())])
