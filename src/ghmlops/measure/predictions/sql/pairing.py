# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Pairs the rows of both artifacts by key: the table `paired`, and the view `pairs` that decodes its flags.

Copies of one key with equal content count once; keys whose copies contradict each other are left out.

Columns: `side` (0 both, 1 only baseline, 2 only candidate), `ok` (paired and usable on both sides), `y` label,
`label_conflict`, `moved` (attributes or time differ), `sa sb` scores, `pa pb` decisions or predicted values, `ua ub`
usable, `delta` largest difference of two vectors or edit distance of two texts, `same` vectors or texts are equal or
both null, `ta tb ra rb` probability and rank of the true class, `w` weight, `g` group, `q` query, `c0..` codes of
attributes.

The table packs all flags of a row into two columns, because writing one column costs as much as reading two: `state`,
a sum of flags, and `mark`, flags of a paired row or the 32-bit hash of the key of an unpaired row.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ghmlops.measure.predictions.engine.dialect import count_true
from ghmlops.measure.predictions.layout import SIDES, VECTOR_TASKS
from ghmlops.measure.predictions.sql.counting import count_repeated_keys
from ghmlops.measure.predictions.sql.custom_metrics import custom_values_sql
from ghmlops.measure.predictions.sql.row_values.texts import normalised_sql, text_values_sql
from ghmlops.measure.predictions.sql.staging import attribute_names, code_names, key_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.counting import ArtifactCounts
    from ghmlops.measure.predictions.sql.staging import StagedViews

_REMOVED, _ADDED, _BASELINE_USABLE, _CANDIDATE_USABLE, _LENGTHS_DIFFER = 1, 2, 4, 8, 16
"""Flags of `state`: only the baseline has the row; only the candidate has it; the prediction of the side is usable; the
vectors have different lengths."""
SIDE, OK = _REMOVED + _ADDED, _BASELINE_USABLE + _CANDIDATE_USABLE
"""Bits of `state` that are `side`; the `state` of rows that are `ok`."""
_MOVED, _CONFLICT = 1, 2
"""Flags of `mark`."""
_FLAGS = f"""state & {SIDE} AS side, state = {OK} AS ok,
    state & {_BASELINE_USABLE} <> 0 AS ua, state & {_CANDIDATE_USABLE} <> 0 AS ub,
    state & {SIDE} = 0 AND mark & {_MOVED} <> 0 AS moved,
    state & {SIDE} = 0 AND mark & {_CONFLICT} <> 0 AS label_conflict"""
_PAIRS = f"SELECT *, {_FLAGS} FROM paired"


def pair_rows(views: StagedViews, counts: Mapping[str, ArtifactCounts]) -> dict[str, dict[str, int]]:
    """Create the view `pairs` with one row per key, and return the counts of repeated keys, by role.

    Keys are not tested for uniqueness in advance, which would cost as much as the pairing: the numbers of rows show it.
    With A and B keyed rows, P paired and A - P and B - P unpaired ones, no key repeats among the paired rows; the few
    unpaired rows are counted. Repeated keys are identified, and their copies reduced to one, only if that check fails,
    or if the result of the join exceeds all limits (or could, on an engine without such limits).
    """
    session, layout = views.session, views.layout
    repeats: dict[str, dict[str, int]] = {role: {} for role in session.roles}
    if "labels" in repeats:
        repeats["labels"] = count_repeated_keys(session, layout, "labels", compared_content(views, "labels"))
    baseline_rows, candidate_rows = counts["baseline"].keyed_rows, counts["candidate"].keyed_rows
    scale = weight_scale(counts)
    try_directly = session.bounds_results and not repeats.get("labels", {}).get("repeated_keys")
    if try_directly and session.try_store("paired", _join_sql(views, (), scale)):
        session.view("pairs", _PAIRS)
        if _keys_are_unique(session, baseline_rows, candidate_rows):
            return repeats
    for role in SIDES:
        repeats[role] = count_repeated_keys(session, layout, role, compared_content(views, role))
    session.store("paired", _join_sql(views, roles_with_repeats(repeats), scale))
    session.view("pairs", _PAIRS)
    return repeats


def weight_scale(counts: Mapping[str, ArtifactCounts]) -> float:
    """Return the power of 2 by which weights are divided: at most 1, they and their squares stay within a double.

    Results do not depend on the scale, and a division by a power of 2 is exact.
    """
    largest = max((count.largest_weight or 0.0 for count in counts.values()), default=0.0)
    return 2.0 ** math.ceil(math.log2(largest)) if largest else 1.0


def roles_with_repeats(repeats: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Return the roles in which keys repeat."""
    return tuple(role for role, counts in repeats.items() if counts.get("repeated_keys"))


def compared_content(views: StagedViews, role: str) -> list[str]:
    """Return the columns of `side_<role>` that copies of one key must agree on: everything that is read of a row."""
    policy, plan = views.layout.policy, views.plan
    weight = ["wt"] if role in views.layout.weight_roles else []
    if role == "labels":
        return ["y", "y_present", *weight]
    names = ["y", "y_present", "v" if policy.task in VECTOR_TASKS else "s", "p"]
    names += [*weight, *(["t"] if policy.time else [])]
    names += ["g"] if policy.group else []
    names += ["q"] if policy.query else []
    names += [f"x{index}" for index in range(len(views.layout.attributes))]
    names += [f"m{index}" for index in range(len(plan.custom_columns))]
    return names + [f"e{index}" for index in range(len(policy.changed.show))]


def keyed_rows_sql(layout: Layout, role: str, repeated_roles: tuple[str, ...]) -> str:
    """Return SQL for the rows of an artifact that can be paired: one per key that is not null.

    A key whose copies contradict each other is left out: on both sides if it is one of a side, so that it does not
    count as missing, and in the labels alone if its labels contradict each other.
    """
    names = key_names(layout)
    not_null = " AND ".join(f"{k} IS NOT NULL" for k in names)
    rows, using = f"SELECT * FROM side_{role} WHERE {not_null}", f"USING ({', '.join(names)})"
    if role in repeated_roles:
        copy = f"row_number() OVER (PARTITION BY {', '.join(names)} ORDER BY {names[0]}) AS copy_number"
        single = f"SELECT *, 1 AS copy_number FROM ({rows}) s ANTI JOIN repeated_{role} {using}"
        copies = f"SELECT *, {copy} FROM ({rows}) r SEMI JOIN repeated_{role} {using}"
        rows = f"SELECT * FROM ({single} UNION ALL {copies}) u WHERE copy_number = 1"
    sources_of_conflicts = ("labels",) if role == "labels" else SIDES
    joins = " ".join(f"ANTI JOIN conflicting_{r} {using}" for r in repeated_roles if r in sources_of_conflicts)
    return f"SELECT * FROM ({rows}) k {joins}"


def _keys_are_unique(session: Session, baseline_rows: int, candidate_rows: int) -> bool:
    """Return True if no key can have occurred twice."""
    unpaired = session.row(
        """SELECT count(*) FILTER (WHERE side = 1) AS removed, count(*) FILTER (WHERE side = 2) AS added,
        count(DISTINCT mark) FILTER (WHERE side = 1) AS removed_keys,
        count(DISTINCT mark) FILTER (WHERE side = 2) AS added_keys FROM pairs WHERE side <> 0"""
    )
    paired = int(session.row("SELECT count(*) AS n FROM pairs WHERE side = 0")["n"])
    removed, added = unpaired["removed"], unpaired["added"]
    totals_match = (paired + removed, paired + added) == (baseline_rows, candidate_rows)
    return totals_match and (removed, added) == (unpaired["removed_keys"], unpaired["added_keys"])


def _join_sql(views: StagedViews, repeated_roles: tuple[str, ...], scale: float) -> str:
    """Return SQL for the rows of `paired`, without keys that repeat in `repeated_roles`; `scale` divides weights."""
    session, layout, plan = views.session, views.layout, views.plan
    names, policy = key_names(layout), layout.policy
    sources = {role: keyed_rows_sql(layout, role, repeated_roles) for role in session.roles}
    group_side = "a" if policy.group and layout.has("baseline", policy.group) else "b"
    parts = [
        f"{_state_sql(views)} AS state, {_mark_sql(session.dialect, layout)} AS mark, {_label_sql(layout)} AS y",
        "a.p AS pa, b.p AS pb",
        *(["a.v AS va, b.v AS vb"] if policy.task in VECTOR_TASKS else ["a.s AS sa, b.s AS sb"]),
        *[_code_sql(layout, bundle, code) for bundle, code in zip(plan.bundles, code_names(plan), strict=True)],
        *([f"coalesce(a.g, b.g) AS g, coalesce({group_side}.g_null, true) AS g_null"] if policy.group else []),
        *(["a.q AS qa, b.q AS qb"] if policy.query else []),
        *([f"{_weight_sql(layout)} / CAST({scale!r} AS DOUBLE) AS w"] if policy.weight else []),
        *[f"a.m{i} AS ma{i}, b.m{i} AS mb{i}" for i in range(len(plan.custom_columns))],
    ]
    if policy.task == "text":
        texts = {"na": "a.p", "nb": "b.p", "ny": _label_sql(layout)}
        parts += [f"{normalised_sql(text)} AS {name}" for name, text in texts.items()]
    on = " AND ".join(f"a.{k} = b.{k}" for k in names)
    joins = f"FROM ({sources['baseline']}) a FULL JOIN ({sources['candidate']}) b ON {on}"
    if "labels" in sources:
        on = " AND ".join(f"coalesce(a.{k}, b.{k}) = l.{k}" for k in names)
        joins += f" LEFT JOIN ({sources['labels']}) l ON {on}"
    return f"SELECT {_stored_columns(views)} FROM (SELECT *, {_FLAGS} FROM (SELECT {', '.join(parts)} {joins}))"


def _state_sql(views: StagedViews) -> str:
    flags = (("a", _BASELINE_USABLE), ("b", _CANDIDATE_USABLE))
    validated, weight = views.layout.validated, ""
    if views.layout.weight_roles == ("labels",):
        weight = " * CAST(l.wt IS NOT NULL AS TINYINT)"
    first, second = (
        (str(flag) if validated else f"{flag} * CAST({side}.u AS TINYINT)") + weight for side, flag in flags
    )
    both = f"{first} + {second}"
    if views.layout.policy.task == "embedding":
        lengths = (views.session.dialect.length(f"{side}.v") for side in "ab")
        both += f" + CASE WHEN {' <> '.join(lengths)} THEN {_LENGTHS_DIFFER} ELSE 0 END"
    return f"CAST({_by_side(views.layout, f'{_REMOVED} + {first}', f'{_ADDED} + {second}', both)} AS TINYINT)"


def _mark_sql(dialect: Dialect, layout: Layout) -> str:
    removed, added = (dialect.short_hash([f"{side}.{k}" for k in key_names(layout)]) for side in "ab")
    equal, both = "a.h = b.h", f"{_MOVED} * CAST(a.h <> b.h AS TINYINT)"
    if len(layout.label_roles) == len(SIDES):
        equal += " AND a.y = b.y"
        both += f" + CASE WHEN a.y <> b.y THEN {_CONFLICT} ELSE 0 END"
    flags = _by_side(layout, removed, added, f"CAST({both} AS {dialect.short_code})")
    # Nearly every row takes the first branch.
    return f"CASE WHEN {equal} THEN CAST(0 AS {dialect.short_code}) ELSE {flags} END"


def _by_side(layout: Layout, removed: str, added: str, both: str) -> str:
    name = key_names(layout)[0]
    return f"CASE WHEN b.{name} IS NULL THEN {removed} WHEN a.{name} IS NULL THEN {added} ELSE {both} END"


def _label_sql(layout: Layout) -> str:
    """Return SQL for the label: null if the labels of the sides differ."""
    roles = layout.label_roles
    if len(roles) == len(SIDES):
        return "CASE WHEN a.y = b.y THEN a.y WHEN a.y IS NULL THEN b.y WHEN b.y IS NULL THEN a.y END"
    return "l.y" if "labels" in roles else "b.y" if "candidate" in roles else "a.y"


def _weight_sql(layout: Layout) -> str:
    """Return SQL for the weight: the baseline's if it has the row, or that of the file of labels."""
    return "l.wt" if layout.weight_roles == ("labels",) else "coalesce(a.wt, b.wt)"


def _code_sql(layout: Layout, bundle: tuple[str, ...], code: str) -> str:
    """Return SQL for a code: the baseline's if it has the row, else the candidate's; see `attribute_bundles`."""
    if any(not layout.has("baseline", attribute or layout.policy.time) for attribute in bundle):
        return f"b.{code} AS {code}"
    return f"coalesce(a.{code}, b.{code}) AS {code}"


def _stored_columns(views: StagedViews) -> str:
    """Return the columns of `paired`; vectors are evaluated here and not stored."""
    dialect, policy = views.session.dialect, views.layout.policy
    texts = text_values_sql() if policy.task == "text" else ["y", "pa", "pb"]
    parts = ["state", "mark", *texts, *code_names(views.plan)]
    parts += ["g", "g_null"] if policy.group else []
    parts += ["w"] if policy.weight else []
    if policy.query:
        parts += ["coalesce(qa, qb) AS q", "ok AND qa <> qb AS query_conflict"]
    if policy.task not in VECTOR_TASKS:
        parts += ["sa", "sb"]
    else:
        parts.append(f"CASE WHEN ok THEN {dialect.distance('va', 'vb')} END AS delta")
        parts.append("va IS NOT DISTINCT FROM vb AS same")
    if policy.task == "multiclass":
        for side in "ab":
            probability = dialect.element(f"v{side}", "y")
            parts.append(f"CASE WHEN u{side} AND y IS NOT NULL THEN {probability} END AS t{side}")
            parts.append(f"CASE WHEN u{side} AND y IS NOT NULL THEN {dialect.rank(f'v{side}', 'y')} END AS r{side}")
    if policy.task == "embedding":
        parts.append(f"CASE WHEN ok THEN 1.0 - {dialect.cosine('va', 'vb')} END AS d")
    return ", ".join([*parts, *custom_values_sql(views)])


def count_conflicts(session: Session, layout: Layout, repeated_roles: tuple[str, ...]) -> dict[str, int]:
    """Count, for each attribute and the time, the paired rows whose values differ. Reads the artifacts again."""
    names = {column: name for column, name in attribute_names(layout).items() if column}
    compared = names | ({layout.policy.time: "t"} if layout.policy.time else {})
    compared |= {layout.policy.weight: "wt"} if layout.weight_roles == SIDES else {}
    shared = {c: n for c, n in compared.items() if layout.has("baseline", c) and layout.has("candidate", c)}
    if not shared:
        return {}
    counts = ", ".join(
        f"{count_true(f'a.{name} IS DISTINCT FROM b.{name}')} AS n{i}" for i, name in enumerate(shared.values())
    )
    on = " AND ".join(f"a.{k} = b.{k}" for k in key_names(layout))
    first, second = (keyed_rows_sql(layout, role, repeated_roles) for role in SIDES)
    row = session.row(f"SELECT {counts} FROM ({first}) a JOIN ({second}) b ON {on}")
    return {column: int(row[f"n{i}"]) for i, column in enumerate(shared)}
