"""Details of the evidence of `regression --replay`: what differs between a run and its replay."""

from __future__ import annotations

from typing import Literal

from ghmlops.core.model import Frozen

Scalar = str | int | float | bool | None
"""A JSON value that is neither a list nor an object."""


class InputChangeRow(Frozen, frozen=True, kw_only=True):
    """An input that differs between a run and its replay; an unknown value is empty."""

    kind: str
    name: str
    before: str
    after: str


class ResultChangeRow(Frozen, frozen=True, kw_only=True):
    """A result that differs between a run and its replay."""

    part: str
    """Part of the evidence: `summary`, `findings`, `measurements`, `not measured`, `details` or `order`."""
    status: Literal["changed", "missing", "added"]
    entry: str
    """Identifies the finding, measurement or table."""
    field: str
    before: Scalar
    after: Scalar


class ReplayComparison(Frozen, frozen=True, kw_only=True):
    """Comparison of this run with the evidence that it replays."""

    file: str
    sha256: str
    compared: dict[str, int]
    """Part of the evidence to the number of its entries."""
    differ: dict[str, int]
    """Part of the evidence to the number of entries that differ."""
    inputs: tuple[InputChangeRow, ...] = ()
    differences: tuple[ResultChangeRow, ...] = ()
