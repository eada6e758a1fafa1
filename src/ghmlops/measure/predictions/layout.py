"""Which column of which artifact has which role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.measure.predictions.column_types import NUMBER_KINDS, common_key_type, type_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.contract.facts import SchemaFacts

SIDES = ("baseline", "candidate")
CLASS_TASKS = ("binary", "multiclass")
"""Tasks whose labels and decisions are classes."""
VECTOR_TASKS = ("multiclass", "embedding")
"""Tasks whose score is a vector."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of each artifact with their DuckDB types, and how to read them. Roles: see `Session.roles`."""

    policy: Regression
    types: Mapping[str, Mapping[str, str]]
    """By role: DuckDB type of each column."""
    schema: SchemaFacts
    partitioned_roles: tuple[str, ...] = ()
    """Roles whose `key=value` folders are columns."""
    high_cardinality: tuple[str, ...] = ()
    """Features with too many values for slices."""
    validated: bool = False
    """True once the contract has shown that every prediction is usable and every label is a class or null: the queries
    then omit both checks."""

    def actual_name(self, role: str, column: str) -> str:
        """Return the artifact's name of the column that the policy calls `column`."""
        return self.policy.column(role, column)

    def has(self, role: str, column: str) -> bool:
        """Return True if the artifact has the column."""
        return self.actual_name(role, column) in self.types.get(role, {})

    def type_of(self, role: str, column: str) -> str:
        """Return the DuckDB type of a column that the artifact has."""
        return self.types[role][self.actual_name(role, column)]

    @property
    def label_roles(self) -> tuple[str, ...]:
        """Roles that provide labels: the separate file of labels if there is one, else artifacts with the column."""
        if not self.policy.label or self.policy.task == "embedding":
            return ()
        if "labels" in self.types:
            return ("labels",)
        if self.policy.task == "label-sets":
            return tuple(role for role in SIDES if all(self.has(role, t.label) for t in self.policy.targets))
        return tuple(role for role in SIDES if self.has(role, self.policy.label))

    @property
    def weight_roles(self) -> tuple[str, ...]:
        """Roles that provide the weights: both sides, else the file of labels; empty if rows are not weighted."""
        weight = self.policy.weight
        if not weight:
            return ()
        if "labels" in self.types and self.has("labels", weight) and not all(self.has(role, weight) for role in SIDES):
            return ("labels",)
        return SIDES

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The columns that are compared as one number, or as one vector: decisions if the policy names no score."""
        policy = self.policy
        if policy.scores:
            return policy.scores[-1:] if policy.task == "binary" else policy.scores
        return (policy.prediction if policy.task in ("regression", "text") else policy.score or policy.prediction,)

    @property
    def score(self) -> str:
        """The name of these columns in messages and tables."""
        return ", ".join(self.score_columns)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns by which rows are grouped: those of slices, then features that both sides have, each once."""
        features = [c for c in self.policy.features if c not in self.high_cardinality]
        on_both_sides = [c for c in features if all(self.has(role, c) for role in SIDES)]
        return tuple(dict.fromkeys((*self.policy.slice_columns, *on_both_sides)))

    def is_numeric_time(self, role: str) -> bool:
        """Return True if the time is a number in the unit that the policy states."""
        return bool(self.policy.time_unit) and type_kind(self.type_of(role, self.policy.time)) in NUMBER_KINDS

    def has_clock_time(self, role: str) -> bool:
        """Return True if the time is an instant, which has a date in each time zone; a date has one already."""
        duckdb_type = self.type_of(role, self.policy.time)
        return duckdb_type.startswith("TIMESTAMP") or self.is_numeric_time(role)

    def common_type(self, column: str) -> str:
        """Return the type in which the values of a key are compared; empty if all artifacts have the same."""
        roles = [role for role in self.types if role != "labels" or column in self.policy.key]
        return common_key_type(self.type_of(role, column) for role in roles if self.has(role, column))

    def is_partition_time(self, role: str) -> bool:
        """Return True if the time is part of a folder's name: text that is read as a date."""
        return role in self.partitioned_roles and self.type_of(role, self.policy.time) == "VARCHAR"
