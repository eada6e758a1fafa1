"""The tables and files that the library accepts, as sources of the engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ghmlops.api.in_process import services
from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.core.policy.regression import Dataset, Regression
    from ghmlops.measure.predictions.artifacts.source import Source

ROLES = ("baseline", "candidate", "labels", "noise")


class ArrowTable(Protocol):
    """A table that exports the Arrow C data interface: of pandas, polars, pyarrow, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream of the table's columns."""


Table = ArrowTable | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A table in memory, or the file, glob, folder, list or URL that `ghmlops regression` accepts."""


def named_datasets(section: Regression, overrides: Mapping[str, Table]) -> tuple[Dataset, ...]:
    """Return the data sets of a policy, each with both sides; tables of the caller name those of a single data set.

    Raises:
        InputError: A side is missing, or tables are passed for several data sets.
    """
    from ghmlops.core.policy.regression import Dataset

    if overrides and len(section.datasets) > 1:
        raise InputError(
            f"{', '.join(overrides)} cannot name the artifact of several data sets",
            hint="name the artifacts of each under `datasets` in the policy, or use a policy with one data set",
        )
    datasets = section.datasets or (Dataset(),)
    for role in ROLES[:2]:
        if role not in overrides and not all(getattr(dataset, role) for dataset in datasets):
            raise InputError(f"no {role} was named", hint=f"pass `{role}`: a table or a file")
    return datasets


@contextlib.contextmanager
def table_sources(dataset: Dataset, overrides: Mapping[str, Table]) -> Iterator[dict[str, Source]]:
    """Return the artifacts of a data set by role; downloaded files are removed at the end."""
    import msgspec

    from ghmlops.commands.regression.measure import engine_source, resolved_artifacts
    from ghmlops.measure.predictions.artifacts.memory_table import is_table, table_source

    tables = {role: table for role, table in overrides.items() if is_table(table)}
    for role in ("candidate", "noise"):
        if role in tables and tables[role] is tables.get("baseline"):
            raise InputError(
                f"one table is both the baseline and the {role}; comparing it with itself shows nothing",
                hint="pass two tables; one of them may be a copy of the other",
            )
    specs = {role: () if role in tables else _specs(role, table) for role, table in overrides.items()}
    named = msgspec.structs.replace(dataset, **specs)
    with resolved_artifacts(named, "", services()) as artifacts:
        sources = {role: table_source(table, role) for role, table in tables.items()}
        sources |= {role: engine_source(artifact) for role, artifact in artifacts.items()}
        yield {role: sources[role] for role in ROLES if role in sources}


def _specs(role: str, table: object) -> tuple[str, ...]:
    parts = [table] if isinstance(table, str | os.PathLike) else table
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str | os.PathLike) for part in parts):
        raise InputError(
            f"`{role}`: a value of type {type(table).__name__} is neither a table nor a path",
            hint="pass a table of pandas, polars or pyarrow, or the path of a Parquet file",
        )
    return tuple(os.fspath(part) for part in parts)
