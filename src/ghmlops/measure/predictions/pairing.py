# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Rows of both artifacts, paired by key: the table `pairs`, and what the pairing found.

Columns: `side` (0 both, 1 only baseline, 2 only candidate), `ok` (paired and usable on both sides), `y` label, `sa sb`
scores, `pa pb` decisions or values, `ua ub` usable, `w` start of the window, `g` group, `x0..` slice columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.contract_facts import PairFacts
from ghmlops.core.model import finite
from ghmlops.measure.predictions.staging import keys, slices

if TYPE_CHECKING:
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.session import Session

UNITS = {"1h": "hour", "1d": "day", "1w": "week", "1mo": "month"}
TOLERANCE, SINGLE_TOLERANCE = 1e-9, 1e-6
"""Scores closer than this are unchanged: absolute up to 1, relative above. The second: one side is single precision."""


def pair(session: Session, layout: Layout) -> PairFacts:
    """Create the table `pairs` and count what the contract asks about it."""
    names = keys(layout)
    sources = {role: _source(session, layout, role) for role in session.roles}
    labels = "labels" in sources
    resolved = "l.y" if labels else "CASE WHEN a.y IS NULL THEN b.y WHEN b.y IS NULL OR a.y = b.y THEN a.y END"
    conflict = "false" if labels else "coalesce(a.y <> b.y, false)"
    parts = [
        f"CASE WHEN b.{names[0]} IS NULL THEN 1 WHEN a.{names[0]} IS NULL THEN 2 ELSE 0 END AS side",
        "coalesce(a.u AND b.u, false) AS ok",
        f"{resolved} AS y, {conflict} AS label_conflict",
        "a.s AS sa, b.s AS sb, a.p AS pa, b.p AS pb, coalesce(a.u, false) AS ua, coalesce(b.u, false) AS ub",
        *_attributes(layout),
    ]
    joined = " AND ".join(f"a.{k} = b.{k}" for k in names)
    label_join = (
        " LEFT JOIN ({}) l ON {}".format(
            sources["labels"], " AND ".join(f"coalesce(a.{k}, b.{k}) = l.{k}" for k in names)
        )
        if labels
        else ""
    )
    session.script(
        f"CREATE TEMP TABLE pairs AS SELECT {', '.join(parts)} FROM ({sources['baseline']}) a "
        f"FULL JOIN ({sources['candidate']}) b ON {joined}{label_join}"
    )
    return _facts(session, layout)


def _source(session: Session, layout: Layout, role: str) -> str:
    """Return SQL for the rows of an artifact that can be paired: with a key that is nowhere repeated."""
    names = keys(layout)
    known = " AND ".join(f"{k} IS NOT NULL" for k in names)
    repeated = [r for r in session.roles if session.row(f"SELECT count(*) AS n FROM repeated_{r}")["n"]]
    joins = " ".join(f"ANTI JOIN repeated_{r} USING ({', '.join(names)})" for r in repeated)
    return f"SELECT * FROM (SELECT * FROM side_{role} WHERE {known}) {joins}"


def _attributes(layout: Layout) -> list[str]:
    """Return SQL for the attributes: the baseline's where it has the row and the column, else the candidate's."""
    policy, parts, first = layout.policy, [], "k0"

    def taken(column: str, short: str) -> str:
        if not layout.has("baseline", column):
            return f"b.{short}"
        other = f"b.{short}" if layout.has("candidate", column) else "NULL"
        return f"CASE WHEN a.{first} IS NOT NULL THEN a.{short} ELSE {other} END"

    def differs(column: str, short: str) -> str:
        if not (layout.has("baseline", column) and layout.has("candidate", column)):
            return "false"
        return f"(a.{first} IS NOT NULL AND b.{first} IS NOT NULL AND a.{short} IS DISTINCT FROM b.{short})"

    if policy.time:
        moment = taken(policy.time, "t")
        window = f"date_trunc('{UNITS[policy.window]}', {moment})" if policy.window else "CAST(NULL AS TIMESTAMP)"
        parts.append(f"{window} AS w, {differs(policy.time, 't')} AS time_conflict")
    if policy.group:
        parts.append(f"{taken(policy.group, 'g')} AS g, {taken(policy.group, 'g_null')} AS g_null")
    for column, short in slices(layout).items():
        parts.append(f"{taken(column, short)} AS {short}, {differs(column, short)} AS {short}_conflict")
    return parts


def _facts(session: Session, layout: Layout) -> PairFacts:
    policy, schema = layout.policy, layout.schema
    tolerance = SINGLE_TOLERANCE if schema.single else TOLERANCE
    same = f"coalesce(abs(sb - sa) <= {tolerance!r} * greatest(1.0, abs(sa), abs(sb)), false)"
    changed = f"((sa IS DISTINCT FROM sb AND NOT {same}) OR pa IS DISTINCT FROM pb)"
    if policy.task == "regression":
        changed = f"(sa IS DISTINCT FROM sb AND NOT {same})"
    wanted = [
        "count(*) FILTER (side = 0) AS paired",
        "count(*) FILTER (side = 1) AS removed",
        "count(*) FILTER (side = 2) AS added",
        "count(*) FILTER (ok) AS usable",
        "count(*) FILTER (ok AND y IS NOT NULL) AS labelled",
        "count(*) FILTER (side = 0 AND label_conflict) AS label_conflicts",
        f"count(*) FILTER (side = 0 AND {changed}) AS changed",
        "max(abs(sb - sa)) FILTER (ok) AS largest_change",
        "stddev_samp(y) FILTER (ok AND y IS NOT NULL) AS label_spread",
        *(["count(*) FILTER (ok AND y = 1) AS positives"] if policy.task == "binary" else []),
        *(["count(*) FILTER (time_conflict) AS time_conflicts"] if policy.time else []),
        *(["count(*) FILTER (ok AND w IS NULL) AS windows_without_time"] if policy.window else []),
        *(["count(*) FILTER (ok AND g_null) AS no_group"] if policy.group else []),
    ]
    found = session.row(f"SELECT {', '.join(wanted)} FROM pairs")
    found |= {name: finite(found[name]) for name in ("largest_change", "label_spread")}
    conflicts = {}
    if short := slices(layout):
        counts = ", ".join(f"count(*) FILTER ({x}_conflict) AS {x}" for x in short.values())
        by_short = session.row(f"SELECT {counts} FROM pairs")
        conflicts = {column: int(by_short[x]) for column, x in short.items()}
    return PairFacts(**found, slice_conflicts=conflicts, tolerance=tolerance, quality=_quality(session, layout))


def _quality(session: Session, layout: Layout) -> tuple[float | None, float | None, float | None, float | None]:
    """Return accuracy or RMSE of both sides on the paired rows, then of each side on all its own rows."""
    if layout.policy.task == "binary":
        value = {side: f"avg(CASE WHEN p{side} = y THEN 1.0 ELSE 0.0 END)" for side in "ab"}
    else:
        value = {side: f"sqrt(avg((p{side} - y) * (p{side} - y)))" for side in "ab"}

    def over(side: str, rows: str) -> str:
        inner, closing = (value[side][:-1], ")") if value[side].startswith("sqrt") else (value[side], "")
        return f"{inner} FILTER ({rows} AND y IS NOT NULL){closing}"

    found = session.rows(
        f"SELECT {over('a', 'ok')}, {over('b', 'ok')}, {over('a', 'ua AND side <> 2')}, "
        f"{over('b', 'ub AND side <> 1')} FROM pairs"
    )[0]
    return finite(found[0]), finite(found[1]), finite(found[2]), finite(found[3])
