# ruff: noqa: RUF012  (msgspec copies the default value of a field)
"""Details of the evidence of `regression --rebuild`: both builds of a commit and the comparison of their artifacts."""

from __future__ import annotations

from typing import Literal

from ghmlops.core.details.regression import ColumnRow
from ghmlops.core.model import Frozen

Reproducibility = Literal["bit-identical", "same content", "within tolerance", "not reproducible", "not measured"]


class RebuildSettings(Frozen, frozen=True, kw_only=True):
    """What was built."""

    command: tuple[str, ...]
    """The build command, split into words."""
    commit: str
    folder: str
    """Working directory of the build below the root of the repository; empty for the root."""


class BuildRow(Frozen, frozen=True, kw_only=True):
    """One of the two builds."""

    build: str
    """`first` or `second`."""
    seconds: float
    problem: str
    """Empty if the build left an artifact."""


class RebuiltRow(Frozen, frozen=True, kw_only=True):
    """Comparison of the artifacts of both builds for one data set."""

    dataset: str
    reproducibility: Reproducibility
    files: int
    files_again: int
    rows: int
    rows_again: int
    missing: int
    """Rows whose key is only in the first build."""
    added: int
    """Rows whose key is only in the second build."""
    moved: int | None
    """Paired rows at different positions in the artifact; null if unknown."""
    repeated_keys: int
    other_columns: tuple[str, ...]
    """Columns that one build lacks or that have different types."""


class RebuildDetails(Frozen, frozen=True, kw_only=True, omit_defaults=True, tag_field="command", tag="rebuild"):
    """Details of the evidence of `regression --rebuild`."""

    settings: RebuildSettings
    runs: list[BuildRow] = []
    builds: list[RebuiltRow] = []
    columns: list[ColumnRow] = []
