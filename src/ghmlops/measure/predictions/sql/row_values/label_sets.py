"""SQL for all labels of a row at once: labels and decisions of several targets as the bits of one integer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ghmlops.core.policy.targets import target_policy
from ghmlops.measure.predictions.sql.columns import label_and_presence, prediction_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.layout import Layout


def label_set_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the labels as bits, null unless all are classes, and for whether all are there."""
    if role not in layout.label_roles:
        return ["CAST(NULL AS BIGINT) AS y", "false AS y_present"]
    labels = [label_and_presence(dialect, one, role) for one in _target_layouts(layout)]
    present = " AND ".join(f"coalesce({present}, false)" for _, present in labels)
    return [f"{_bits([value for value, _ in labels])} AS y", f"({present}) AS y_present"]


def decision_set_sql(dialect: Dialect, layout: Layout, role: str) -> list[str]:
    """Return SQL for the decisions as bits, null unless all can be compared, under the names that `staging` lists."""
    decisions = _bits([_usable_decision(dialect, one, role) for one in _target_layouts(layout)])
    return [f"CAST({decisions} AS DOUBLE) AS s", f"{decisions} AS p", "false AS stale"]


def _target_layouts(layout: Layout) -> list[Layout]:
    """Return the layout of each target, with its own label, score and prediction."""
    return [replace(layout, policy=target_policy(layout.policy, target)) for target in layout.policy.targets]


def _usable_decision(dialect: Dialect, layout: Layout, role: str) -> str:
    """Return SQL for the decision on one target, null if its score is not a probability."""
    score, decision, _ = (sql.rsplit(" AS ", 1)[0] for sql in prediction_sql(dialect, layout, role))
    return f"CASE WHEN {score} IS NOT NULL AND {dialect.finite(score)} AND {score} BETWEEN 0 AND 1 THEN {decision} END"


def _bits(flags: Sequence[str]) -> str:
    """Return SQL for an integer whose bits are the flags (0 or 1), the first one lowest; null if one is null."""
    return " + ".join(f"CAST({flag} AS BIGINT) * {1 << index}" for index, flag in enumerate(flags))
