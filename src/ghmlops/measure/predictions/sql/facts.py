# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""What the pairing found, from the aggregates; and where something is wrong, a second look at the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.model import finite
from ghmlops.core.paired.aggregates import WINDOW
from ghmlops.core.paired.cube import BOTH, ONLY_BASELINE, ONLY_CANDIDATE
from ghmlops.core.predictions.behaviour.determinism import ColumnChange
from ghmlops.core.predictions.contract.facts import PairFacts
from ghmlops.measure.predictions.engine.dialect import how_many
from ghmlops.measure.predictions.layout import CLASSED, SIDES, VECTORED
from ghmlops.measure.predictions.sql.cubes import Source, read_cube
from ghmlops.measure.predictions.sql.pairing import conflicts
from ghmlops.measure.predictions.sql.ranking import query_facts

if TYPE_CHECKING:
    from ghmlops.core.paired.cube import Cube
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.sql.cubes import Read
    from ghmlops.measure.predictions.sql.staging import Staged

Quality = tuple[float | None, float | None, float | None, float | None]
NO_QUALITY: Quality = (None, None, None, None)
DECISION = "decision"
"""What the decisions are called where the policy names no column of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike the scores of the paired rows are, and how often the sides contradict each other, in rows."""

    identical: int
    near: int
    """Within the tolerance, or identical."""
    changed: int
    """Beyond it, or with another decision."""
    conflicts: int
    """Labels that differ."""
    moved: int
    """Attributes or times that differ."""
    ungrouped: int
    dropped: int
    """Rows that one side has, or both, and whose prediction there cannot be used."""
    largest: float | None


def likeness(at: Staged, tolerance: float) -> Likeness:
    """Count over `pairs`: one pass, without groups, which costs next to nothing."""
    policy = at.layout.policy
    if policy.task in VECTORED:
        apart, same, bounds = "delta", "same", [f"delta <= {tolerance!r}"]
    else:
        apart, same = "abs(sb - sa)", _alike("sa", "sb")
        scales = ("", " * abs(sa)", " * abs(sb)")  # absolute up to 1, relative above: faster than `greatest`
        bounds = [f"{apart} <= {tolerance!r}{scale}" for scale in scales]
    near = f"side = 0 AND ({same} OR (ok AND ({' OR '.join(bounds)})))"
    decided = f" AND {_alike('pa', 'pb')}" if policy.task in CLASSED else ""
    counts = {
        "identical": f"side = 0 AND {same}",
        "near": near,
        "unchanged": f"{near}{decided}",
        "paired": "side = 0",
        "conflicts": "label_conflict",
        "moved": "moved",
        "dropped": "(side <> 2 AND NOT ua) OR (side <> 1 AND NOT ub)",
        "ungrouped": "ok AND g_null" if policy.group else "false",
    }
    parts = ", ".join(f"{how_many(condition)} AS {name}" for name, condition in counts.items())
    found = at.session.row(f"SELECT {parts}, max({apart}) FILTER (WHERE ok) AS largest FROM pairs")
    largest = finite(found.pop("largest"))
    n = {name: int(value) for name, value in found.items()}
    return Likeness(largest=largest, changed=n.pop("paired") - n.pop("unchanged"), **n)


def _alike(first: str, second: str) -> str:
    """Return SQL that is true of equal values and of two nulls, and else false or null."""
    return f"({first} = {second} OR ({first} IS NULL AND {second} IS NULL))"


def pair_facts(at: Staged, read: Read, like: Likeness, bad: tuple[str, ...], tolerance: float) -> PairFacts:
    """Count what the contract asks about the pairing. `bad`: the roles in which keys repeat."""
    cube, policy, session = read.cube, at.layout.policy, at.session

    def rows(chosen: np.ndarray) -> int:
        return int(cube.n[chosen].sum())

    usable, labelled = cube.usable, cube.usable & (cube.label >= 0)
    moved = conflicts(session, at.layout, bad) if like.moved else {}
    removed = rows(cube.side == ONLY_BASELINE)
    spread = "SELECT stddev_samp(y) AS spread FROM pairs WHERE ok AND y IS NOT NULL"
    return PairFacts(
        paired=rows(cube.side == BOTH),
        removed=removed,
        added=rows(cube.side == ONLY_CANDIDATE),
        usable=rows(usable),
        labelled=rows(labelled),
        label_conflicts=like.conflicts,
        time_conflicts=moved.get(policy.time, 0) if policy.time else 0,
        slice_conflicts={column: n for column, n in moved.items() if column in policy.slice_columns},
        feature_conflicts={column: n for column, n in moved.items() if column in policy.features},
        changed=like.changed,
        largest_change=like.largest,
        tolerance=tolerance,
        no_group=like.ungrouped,
        quality=_quality(session, policy.task, like.dropped, cube) if removed else NO_QUALITY,
        positives=rows(labelled & (cube.label == 1)) if policy.task == "binary" else None,
        label_spread=finite(session.row(spread)["spread"]) if policy.task == "regression" else None,
        windows_without_time=_timeless(at, read),
        unlike_lengths=_unlike(session) if policy.task == "embedding" else 0,
        **(query_facts(at) if policy.task == "ranking" else {}),
    )


def _unlike(session: Session) -> int:
    """Count pairs of usable vectors that only their lengths keep from being compared."""
    return int(session.row("SELECT count(*) AS n FROM pairs WHERE side = 0 AND ua AND ub AND NOT ok")["n"])


def _timeless(at: Staged, read: Read) -> int:
    """Count usable rows without a window."""
    if not at.layout.policy.window:
        return 0
    if WINDOW in read.cube.columns:
        place = read.cube.columns.index(WINDOW)
        without = np.array([value is None for value in read.cube.values[place]], dtype=np.bool_)
        return int(read.cube.n[read.cube.usable & without[read.cube.codes[place]][read.cube.cell]].sum())
    rows = Source(table="pairs", classes=0, tolerance=0.0)
    return _timeless(at, read_cube(at, rows, ((WINDOW,), ())))


def _quality(session: Session, task: str, dropped: int, cube: Cube) -> Quality:
    """Return accuracy or RMSE of both sides on the paired rows, then of each side on all its own rows."""
    if task not in ("binary", "multiclass", "regression"):
        return NO_QUALITY
    if cube.classes and not dropped:  # then every row of a side is in the aggregates with its decision
        before, after, known = cube.side != ONLY_CANDIDATE, cube.side != ONLY_BASELINE, cube.label >= 0
        right = cube.baseline == cube.label, cube.candidate == cube.label
        chosen = [(cube.usable & known, 0), (cube.usable & known, 1), (before & known, 0), (after & known, 1)]
        shares = [
            float(cube.n[rows & right[side]].sum() / n) if (n := cube.n[rows].sum()) else None for rows, side in chosen
        ]
        return shares[0], shares[1], shares[2], shares[3]
    root = task == "regression"

    def over(side: str, rows: str) -> str:
        value = f"(p{side} - y) * (p{side} - y)" if root else f"CASE WHEN p{side} = y THEN 1e0 ELSE 0e0 END"
        mean = f"avg({value}) FILTER (WHERE {rows} AND y IS NOT NULL)"
        return f"sqrt({mean})" if root else mean

    found = session.rows(
        f"SELECT {over('a', 'ok')}, {over('b', 'ok')}, {over('a', 'ua AND side <> 2')}, "
        f"{over('b', 'ub AND side <> 1')} FROM pairs"
    )[0]
    return finite(found[0]), finite(found[1]), finite(found[2]), finite(found[3])


def changes_of(at: Staged, read: Read, like: Likeness, pairs: PairFacts) -> tuple[ColumnChange, ...]:
    """Return how many values of each column in use are the same on both sides of the paired rows."""
    layout, policy, cube = at.layout, at.layout.policy, read.cube
    found = [
        ColumnChange(
            column=layout.score,
            rows=pairs.paired,
            identical=like.identical,
            within=like.near - like.identical,
            largest=pairs.largest_change,
            tolerance=pairs.tolerance,
        )
    ]
    if policy.task in CLASSED:  # a score that hardly moved may have crossed the threshold
        same = (cube.side == BOTH) & (cube.baseline == cube.candidate)
        found.append(
            ColumnChange(
                column=policy.prediction or DECISION, rows=pairs.paired, identical=int(cube.n[same].sum()), within=0
            )
        )
    counted = {**pairs.feature_conflicts, **pairs.slice_conflicts}
    counted |= {policy.time: pairs.time_conflicts} if policy.time else {}
    counted |= {policy.label: pairs.label_conflicts} if len(layout.label_roles) == len(SIDES) else {}
    for column in (policy.label, policy.time, *layout.attributes):
        if column and all(layout.has(role, column) for role in SIDES):
            differing = counted.get(column, 0)
            found.append(ColumnChange(column=column, rows=pairs.paired, identical=pairs.paired - differing, within=0))
    return tuple(found)


def means_of(at: Staged) -> dict[bool, dict[str, float]]:
    """Return the means that sums of a regression are centred on, to 6 digits so that every engine takes the same.

    By whether only labelled rows count: `y0` of the label, `p0a` and `p0b` of the sides' predictions.
    """
    if at.layout.policy.task != "regression":
        return {}
    known = " AND y IS NOT NULL"
    means = {"y0": "avg(y) FILTER (WHERE ok)"}
    means |= {f"p0{s}{only}": f"avg(p{s}) FILTER (WHERE ok{known * only})" for s in "ab" for only in (0, 1)}
    found = at.session.row(f"SELECT {', '.join(f'{sql} AS {name}' for name, sql in means.items())} FROM pairs")
    mean = {name: float(f"{value or 0.0:.6g}") for name, value in found.items()}
    return {bool(only): {"y0": mean["y0"], "p0a": mean[f"p0a{only}"], "p0b": mean[f"p0b{only}"]} for only in (0, 1)}
