"""Facts about a Parquet file, from which the roles of its columns follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer", "number", "text", "boolean", "time", "vector", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a Parquet file.

    Attributes:
        name: its name.
        kind: family of its type; `vector` is a list of numbers.
        distinct: number of different values without null; -1 for a vector.
        nulls: number of nulls.
        low: smallest value; `None` if it is not a number.
        high: largest value; `None` if it is not a number.
        values: its different values as text in ascending order, if there are few; otherwise empty.
        length: length of a vector; 0 if it is not a vector, or if the lengths differ.
    """

    name: str
    kind: Kind
    distinct: int
    nulls: int = 0
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    length: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A Parquet file."""

    path: str
    """Relative to the repository."""
    rows: int
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column | None:
        """Return the column of this name."""
        return next((column for column in self.columns if column.name == name), None)
