# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Computes the facts of the pairing from the aggregates, and reads the rows again only if something is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from ghmlops.core.model import finite
from ghmlops.core.paired.aggregates import effective_rows
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.core.paired.cube import BOTH, ONLY_BASELINE, ONLY_CANDIDATE
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.predictions.contract.facts import NullCounts, PairFacts, PairWeights
from ghmlops.core.predictions.left_out import uses_label
from ghmlops.measure.predictions.engine.dialect import count_true
from ghmlops.measure.predictions.layout import CLASS_TASKS, SIDES, VECTOR_TASKS
from ghmlops.measure.predictions.sql.cubes import read_cube
from ghmlops.measure.predictions.sql.pairing import count_conflicts
from ghmlops.measure.predictions.sql.ranking import RANKED, query_facts
from ghmlops.measure.predictions.sql.row_values.sums import RowSource

if TYPE_CHECKING:
    from ghmlops.core.paired.cube import Cube
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.sql.cubes import CodedCube
    from ghmlops.measure.predictions.sql.staging import StagedViews

Quality = tuple[float | None, float | None, float | None, float | None]
NO_QUALITY: Quality = (None, None, None, None)
DECISION = "decision"
"""Name of the decisions if the policy names no column for them."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far the scores of the paired rows agree, and how many rows contradict each other, in rows."""

    identical: int
    close: int
    """Within the tolerance, or identical."""
    changed: int
    """Beyond the tolerance, or with a different decision."""
    conflicts: int
    """Labels differ."""
    moved: int
    """Attributes or times differ."""
    ungrouped: int
    """Usable rows without a group."""
    unweighted: int
    """Paired rows without a weight in the file of labels."""
    unusable: int
    """Rows of one or both sides whose prediction on a side that has the row cannot be used."""
    largest: float | None
    """Largest difference of two usable scores."""


def measure_agreement(views: StagedViews, tolerance: float) -> Agreement:
    """Count over `pairs` in one pass without grouping, which costs next to nothing."""
    policy = views.layout.policy
    if policy.task in (*VECTOR_TASKS, "text"):
        distance, identical, bounds = "delta", "same", [f"delta <= {tolerance!r}"]
    else:
        distance, identical = "abs(sb - sa)", _equal_sql("sa", "sb")
        # Absolute up to 1, relative above; three comparisons are faster than `greatest`.
        scales = ("", " * abs(sa)", " * abs(sb)")
        bounds = [f"{distance} <= {tolerance!r}{scale}" for scale in scales]
    close = f"side = 0 AND ({identical} OR (ok AND ({' OR '.join(bounds)})))"
    same_decision = f" AND {_equal_sql('pa', 'pb')}" if policy.task in CLASS_TASKS else ""
    conditions = {
        "identical": f"side = 0 AND {identical}",
        "close": close,
        "unchanged": f"{close}{same_decision}",
        "paired": "side = 0",
        "conflicts": "label_conflict",
        "moved": "moved",
        "unusable": "(side <> 2 AND NOT ua) OR (side <> 1 AND NOT ub)",
        "ungrouped": "ok AND g_null" if policy.group else "false",
        "unweighted": "side = 0 AND w IS NULL" if views.layout.weight_roles == ("labels",) else "false",
    }
    parts = ", ".join(f"{count_true(condition)} AS {name}" for name, condition in conditions.items())
    row = views.session.row(f"SELECT {parts}, max({distance}) FILTER (WHERE ok) AS largest FROM pairs")
    largest = finite(row.pop("largest"))
    counts = {name: int(value) for name, value in row.items()}
    return Agreement(largest=largest, changed=counts.pop("paired") - counts.pop("unchanged"), **counts)


def _equal_sql(first: str, second: str) -> str:
    """Return SQL that is true for equal values and for two nulls, and false or null otherwise."""
    return f"({first} = {second} OR ({first} IS NULL AND {second} IS NULL))"


def count_pair_facts(
    views: StagedViews, coded: CodedCube, agreement: Agreement, repeated_roles: tuple[str, ...], tolerance: float
) -> PairFacts:
    """Count the facts of the contract about the pairing.

    Args:
        views: the staged artifacts, with the view `pairs`.
        coded: a cube of all pairs.
        agreement: the counts of `measure_agreement`.
        repeated_roles: roles in which keys repeat.
        tolerance: largest difference of two scores that does not count as a change.
    """
    cube, policy, session = coded.cube, views.layout.policy, views.session

    def rows(selection: np.ndarray) -> int:
        return int(cube.n[selection].sum())

    usable, labelled = cube.usable, cube.usable & (cube.label >= 0)
    conflicts = count_conflicts(session, views.layout, repeated_roles) if agreement.moved else {}
    removed = rows(cube.side == ONLY_BASELINE)
    return PairFacts(
        paired=rows(cube.side == BOTH),
        removed=removed,
        added=rows(cube.side == ONLY_CANDIDATE),
        usable=rows(usable),
        labelled=rows(labelled),
        label_conflicts=agreement.conflicts,
        time_conflicts=conflicts.get(policy.time, 0) if policy.time else 0,
        slice_conflicts={column: n for column, n in conflicts.items() if column in policy.slice_columns},
        feature_conflicts={column: n for column, n in conflicts.items() if column in policy.features},
        changed=agreement.changed,
        largest_change=agreement.largest,
        tolerance=tolerance,
        ungrouped=agreement.ungrouped,
        quality=_quality(session, policy.task, agreement.unusable, cube) if removed else NO_QUALITY,
        positives=rows(labelled & (cube.label == 1)) if policy.task == "binary" else None,
        label_spread=_label_spread(views) if policy.task == "regression" else None,
        weight_conflicts=conflicts.get(policy.weight, 0) if policy.weight else 0,
        unweighted=agreement.unweighted,
        weights=_sum_weights(cube),
        effective=_count_effective_rows(views) if policy.weight else None,
        windows_without_time=_count_without_window(views, coded),
        expression_nulls=_count_expression_nulls(views) if policy.metrics else {},
        unlike_lengths=_count_different_lengths(session) if policy.task == "embedding" else 0,
        **(query_facts(views) if policy.task == "ranking" else {}),
    )


def _label_spread(views: StagedViews) -> float | None:
    """Return the standard deviation of the label, weighted if rows are; None with fewer than two labels.

    The weighted variance is multiplied by n / (n - 1) with the effective number of rows n, as without weights.
    """
    session, sums = views.session, views.session.dialect.exact_sum
    if not views.layout.policy.weight:
        spread = "SELECT stddev_samp(y) AS spread FROM pairs WHERE ok AND y IS NOT NULL"
        return finite(session.row(spread)["spread"])
    rows = "FROM pairs WHERE ok AND y IS NOT NULL"
    total = session.row(f"SELECT {sums('w')} AS weight, {sums('w * w')} AS squares, {sums('w * y')} AS label {rows}")
    if not total["weight"]:
        return None
    number = float(effective_rows(total["weight"], total["squares"]))
    mean = f"CAST({total['label'] / total['weight']!r} AS DOUBLE)"
    squares = session.row(f"SELECT {sums(f'w * (y - {mean}) * (y - {mean})')} AS total {rows}")["total"]
    return math.sqrt(squares / total["weight"] * number / (number - 1.0)) if number > 1.0 else None


def _sum_weights(cube: Cube) -> PairWeights | None:
    """Return the weights of the rows of each side, and of those that are compared; None if rows have none."""
    weight = cube.weight
    if weight is None:
        return None
    return PairWeights(
        baseline=float(weight[cube.side != ONLY_CANDIDATE].sum()),
        candidate=float(weight[cube.side != ONLY_BASELINE].sum()),
        usable=float(weight[cube.usable].sum()),
        labelled=float(weight[cube.usable & (cube.label >= 0)].sum()),
    )


def _count_effective_rows(views: StagedViews) -> float | None:
    """Return the effective number of the usable rows, of queries in a ranking."""
    table, sums = "queries" if views.layout.policy.task == "ranking" else "pairs", views.session.dialect.exact_sum
    row = views.session.row(f"SELECT {sums('w')} AS weight, {sums('w * w')} AS squares FROM {table} WHERE ok")
    return finite(float(effective_rows(row["weight"], row["squares"])))


def _count_expression_nulls(views: StagedViews) -> dict[str, NullCounts]:
    """Count, for each custom metric, the rows for which its expression is null on either side."""
    policy = views.layout.policy
    rows = RANKED if policy.task == "ranking" else "ok"
    # A document without a label counts as irrelevant, so its label is 0.
    masks_label = policy.task != "ranking" or policy.unjudged == "left-out"
    parts = []
    for index, metric in enumerate(policy.metrics):
        needs_label = masks_label and (uses_label(metric, policy) or policy.unjudged == "left-out")
        counts = f"{rows} AND y IS NOT NULL" if needs_label else rows
        first, second = (f"o{index}{side} IS NULL" for side in "ab")
        conditions = {"total": counts, "baseline": f"{counts} AND {first}", "candidate": f"{counts} AND {second}"}
        conditions["either"] = f"{counts} AND ({first} OR {second})"
        parts += [f"{count_true(condition)} AS {name}{index}" for name, condition in conditions.items()]
    row = views.session.row(f"SELECT {', '.join(parts)} FROM pairs")
    names = ("total", "baseline", "candidate", "either")
    return {
        metric.name: NullCounts(**{name: int(row[f"{name}{index}"]) for name in names})
        for index, metric in enumerate(policy.metrics)
    }


def _count_different_lengths(session: Session) -> int:
    """Count the pairs of usable vectors that cannot be compared because their lengths differ."""
    return int(session.row("SELECT count(*) AS n FROM pairs WHERE side = 0 AND ua AND ub AND NOT ok")["n"])


def _count_without_window(views: StagedViews, coded: CodedCube) -> int:
    """Count the usable rows without a window."""
    if not views.layout.policy.window:
        return 0
    cube = coded.cube
    if WINDOW in cube.columns:
        axis = cube.columns.index(WINDOW)
        is_null = np.array([value is None for value in cube.values[axis]], dtype=np.bool_)
        return int(cube.n[cube.usable & is_null[cube.codes[axis]][cube.cell]].sum())
    rows = RowSource(table="pairs", classes=0)
    return _count_without_window(views, read_cube(views, rows, ((WINDOW,), ())))


def _quality(session: Session, task: str, unusable: int, cube: Cube) -> Quality:
    """Return accuracy or RMSE of both sides on the paired rows, then of each side on all its rows."""
    if task not in ("binary", "multiclass", "regression"):
        return NO_QUALITY
    # Without unusable predictions, every row of a side is in the cube with its decision.
    if cube.classes and not unusable:
        of_baseline, of_candidate = cube.side != ONLY_CANDIDATE, cube.side != ONLY_BASELINE
        labelled = cube.label >= 0
        right = cube.baseline == cube.label, cube.candidate == cube.label
        paired = cube.usable & labelled
        selections = [(paired, 0), (paired, 1), (of_baseline & labelled, 0), (of_candidate & labelled, 1)]
        shares = [
            float(cube.n[rows & right[side]].sum() / n) if (n := cube.n[rows].sum()) else None
            for rows, side in selections
        ]
        return shares[0], shares[1], shares[2], shares[3]
    is_regression = task == "regression"

    def quality_sql(side: str, rows: str) -> str:
        squared_error = f"(p{side} - y) * (p{side} - y)"
        value = squared_error if is_regression else f"CASE WHEN p{side} = y THEN 1e0 ELSE 0e0 END"
        mean = f"avg({value}) FILTER (WHERE {rows} AND y IS NOT NULL)"
        return f"sqrt({mean})" if is_regression else mean

    row = session.rows(
        f"SELECT {quality_sql('a', 'ok')}, {quality_sql('b', 'ok')}, {quality_sql('a', 'ua AND side <> 2')}, "
        f"{quality_sql('b', 'ub AND side <> 1')} FROM pairs"
    )[0]
    return finite(row[0]), finite(row[1]), finite(row[2]), finite(row[3])


def column_changes(
    views: StagedViews, coded: CodedCube, agreement: Agreement, pairs: PairFacts
) -> tuple[ColumnChange, ...]:
    """Return how many values of each column in use are equal on both sides of the paired rows."""
    layout, policy, cube = views.layout, views.layout.policy, coded.cube
    changes = (
        []
        if policy.task in CLASS_TASKS and not policy.has_scores
        else [
            ColumnChange(
                column=layout.score,
                rows=pairs.paired,
                identical=agreement.identical,
                within=agreement.close - agreement.identical,
                largest=pairs.largest_change,
                tolerance=pairs.tolerance,
            )
        ]
    )
    if policy.task in CLASS_TASKS:  # a score that hardly moved may have crossed the threshold
        same = (cube.side == BOTH) & (cube.baseline == cube.candidate)
        changes.append(
            ColumnChange(
                column=policy.prediction or DECISION, rows=pairs.paired, identical=int(cube.n[same].sum()), within=0
            )
        )
    conflicts = {**pairs.feature_conflicts, **pairs.slice_conflicts}
    conflicts |= {policy.time: pairs.time_conflicts} if policy.time else {}
    conflicts |= {policy.weight: pairs.weight_conflicts} if policy.weight else {}
    conflicts |= {policy.label: pairs.label_conflicts} if len(layout.label_roles) == len(SIDES) else {}
    for column in (policy.label, policy.time, policy.weight, *layout.attributes):
        if column and all(layout.has(role, column) for role in SIDES):
            identical = pairs.paired - conflicts.get(column, 0)
            changes.append(ColumnChange(column=column, rows=pairs.paired, identical=identical, within=0))
    return tuple(changes)
