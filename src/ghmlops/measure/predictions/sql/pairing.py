# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Rows of both artifacts, paired by key: the view `pairs` of the table `paired`.

Columns: `side` (0 both, 1 only baseline, 2 only candidate), `ok` (paired and usable on both sides), `y` label,
`label_conflict`, `moved` (attributes or time differ), `sa sb` scores, `pa pb` decisions or values, `ua ub` usable,
`delta` largest difference of two vectors, `same` the vectors are equal or both null, `ta tb ra rb` probability and rank
of the true class, `g` group, `q` query, `c0..` codes of attributes.

The table has two columns for what is true or false of a row, because each column costs as much to write as two take to
read: `state`, a sum of flags, and `mark`, flags of a paired row and 32 bits of the key of an unpaired one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.predictions.engine.dialect import how_many
from ghmlops.measure.predictions.layout import SIDES, VECTORED
from ghmlops.measure.predictions.sql.counting import repeated
from ghmlops.measure.predictions.sql.custom_metrics import own_values
from ghmlops.measure.predictions.sql.staging import attributes, codes, keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.measure.predictions.engine.dialect import Dialect
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.counting import Counted
    from ghmlops.measure.predictions.sql.staging import Staged

_REMOVED, _ADDED, _BASELINE, _CANDIDATE, _UNLIKE = 1, 2, 4, 8, 16
"""Flags of `state`: only the baseline has the row, only the candidate; its prediction there is usable; its vectors are
of different lengths."""
SIDE, OK, STATES = _REMOVED + _ADDED, _BASELINE + _CANDIDATE, 32
"""Bits of `state` that are `side`; the `state` that is `ok`; how many there are."""
_MOVED, _CONFLICT = 1, 2
"""Flags of `mark`."""
_DECODED = f"""state & {SIDE} AS side, state = {OK} AS ok,
    state & {_BASELINE} <> 0 AS ua, state & {_CANDIDATE} <> 0 AS ub,
    state & {SIDE} = 0 AND mark & {_MOVED} <> 0 AS moved,
    state & {SIDE} = 0 AND mark & {_CONFLICT} <> 0 AS label_conflict"""
_PAIRS = f"SELECT *, {_DECODED} FROM paired"


def pair(at: Staged, counted: Mapping[str, Counted]) -> dict[str, dict[str, int]]:
    """Create the view `pairs`, of rows whose key occurs once, and return what is known of repeated keys, by role.

    Unique keys are not looked for in advance, which would cost as much as the pairing: the numbers of rows tell. With
    A and B keyed rows, P paired and A - P and B - P unpaired ones, no key repeats among the paired; the few unpaired
    rows are counted. Only where that fails, or where the pairs of repeated keys grew beyond all bounds (or would, on an
    engine without such bounds), are the repeated keys found and left out.
    """
    session, layout = at.session, at.layout
    found: dict[str, dict[str, int]] = {role: {} for role in session.roles}
    if "labels" in found:
        found["labels"] = repeated(session, layout, "labels")
    first, second = counted["baseline"].keyed, counted["candidate"].keyed
    hopeful = session.bounded and not found.get("labels", {}).get("repeated_keys")
    if hopeful and session.attempt("paired", _joined(at, ())):
        session.view("pairs", _PAIRS)
        if _unique(session, first, second):
            return found
    for role in ("baseline", "candidate"):
        found[role] = repeated(session, layout, role)
    session.store("paired", _joined(at, repeating(found)))
    session.view("pairs", _PAIRS)
    return found


def repeating(found: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Return the roles in which keys repeat."""
    return tuple(role for role, counts in found.items() if counts.get("repeated_keys"))


def keyed(layout: Layout, role: str, bad: tuple[str, ...]) -> str:
    """Return SQL for the rows of an artifact that can be paired: with a key that repeats in none of the `bad` roles."""
    names = keys(layout)
    known = " AND ".join(f"{k} IS NOT NULL" for k in names)
    joins = " ".join(f"ANTI JOIN repeated_{r} USING ({', '.join(names)})" for r in bad)
    return f"SELECT * FROM (SELECT * FROM side_{role} WHERE {known}) {joins}"


def _unique(session: Session, first: int, second: int) -> bool:
    """True where no key can have occurred twice."""
    found = session.row(
        """SELECT count(*) FILTER (WHERE side = 1) AS removed, count(*) FILTER (WHERE side = 2) AS added,
        count(DISTINCT mark) FILTER (WHERE side = 1) AS removed_keys,
        count(DISTINCT mark) FILTER (WHERE side = 2) AS added_keys FROM pairs WHERE side <> 0"""
    )
    paired = int(session.row("SELECT count(*) AS n FROM pairs WHERE side = 0")["n"])
    whole = (paired + found["removed"], paired + found["added"]) == (first, second)
    return whole and (found["removed"], found["added"]) == (found["removed_keys"], found["added_keys"])


def _joined(at: Staged, bad: tuple[str, ...]) -> str:
    """Return SQL for the rows of `paired`, without the keys that repeat in the `bad` roles."""
    session, layout, plan = at.session, at.layout, at.plan
    names, policy = keys(layout), layout.policy
    sources = {role: keyed(layout, role, bad) for role in session.roles}
    grouped = "a" if policy.group and layout.has("baseline", policy.group) else "b"
    parts = [
        f"{_state(at)} AS state, {_mark(session.dialect, layout)} AS mark, {_label(layout)} AS y",
        "a.p AS pa, b.p AS pb",
        *(["a.v AS va, b.v AS vb"] if policy.task in VECTORED else ["a.s AS sa, b.s AS sb"]),
        *[_taken(layout, bundle, code) for bundle, code in zip(plan.bundles, codes(plan), strict=True)],
        *([f"coalesce(a.g, b.g) AS g, coalesce({grouped}.g_null, true) AS g_null"] if policy.group else []),
        *(["a.q AS qa, b.q AS qb"] if policy.query else []),
        *[f"a.m{i} AS ma{i}, b.m{i} AS mb{i}" for i in range(len(plan.custom))],
    ]
    on = " AND ".join(f"a.{k} = b.{k}" for k in names)
    joined = f"FROM ({sources['baseline']}) a FULL JOIN ({sources['candidate']}) b ON {on}"
    if "labels" in sources:
        on = " AND ".join(f"coalesce(a.{k}, b.{k}) = l.{k}" for k in names)
        joined += f" LEFT JOIN ({sources['labels']}) l ON {on}"
    return f"SELECT {_kept(at)} FROM (SELECT *, {_DECODED} FROM (SELECT {', '.join(parts)} {joined}))"


def _state(at: Staged) -> str:
    usable = (("a", _BASELINE), ("b", _CANDIDATE))
    first, second = (str(flag) if at.layout.sound else f"{flag} * CAST({side}.u AS TINYINT)" for side, flag in usable)
    both = f"{first} + {second}"
    if at.layout.policy.task == "embedding":
        lengths = (at.session.dialect.length(f"{side}.v") for side in "ab")
        both += f" + CASE WHEN {' <> '.join(lengths)} THEN {_UNLIKE} ELSE 0 END"
    return f"CAST({_by_side(at.layout, f'{_REMOVED} + {first}', f'{_ADDED} + {second}', both)} AS TINYINT)"


def _mark(dialect: Dialect, layout: Layout) -> str:
    removed, added = (dialect.short_hash([f"{side}.{k}" for k in keys(layout)]) for side in "ab")
    alike, both = "a.h = b.h", f"{_MOVED} * CAST(a.h <> b.h AS TINYINT)"
    if len(layout.label_roles) == len(SIDES):
        alike += " AND a.y = b.y"
        both += f" + CASE WHEN a.y <> b.y THEN {_CONFLICT} ELSE 0 END"
    flags = _by_side(layout, removed, added, f"CAST({both} AS {dialect.short_code})")
    return f"CASE WHEN {alike} THEN CAST(0 AS {dialect.short_code}) ELSE {flags} END"  # nearly every row ends at once


def _by_side(layout: Layout, removed: str, added: str, both: str) -> str:
    name = keys(layout)[0]
    return f"CASE WHEN b.{name} IS NULL THEN {removed} WHEN a.{name} IS NULL THEN {added} ELSE {both} END"


def _label(layout: Layout) -> str:
    """Return SQL for the label: null where the sides give different ones."""
    roles = layout.label_roles
    if len(roles) == len(SIDES):
        return "CASE WHEN a.y = b.y THEN a.y WHEN a.y IS NULL THEN b.y WHEN b.y IS NULL THEN a.y END"
    return "l.y" if "labels" in roles else "b.y" if "candidate" in roles else "a.y"


def _taken(layout: Layout, bundle: tuple[str, ...], code: str) -> str:
    """Return SQL for a code: the baseline's where it has the row, else the candidate's; see `bundled`."""
    if any(not layout.has("baseline", attribute or layout.policy.time) for attribute in bundle):
        return f"b.{code} AS {code}"
    return f"coalesce(a.{code}, b.{code}) AS {code}"


def _kept(at: Staged) -> str:
    """Return the columns of `paired`: vectors are looked at here and not kept."""
    dialect, policy = at.session.dialect, at.layout.policy
    parts = ["state", "mark", "y", "pa", "pb", *codes(at.plan)]
    parts += ["g", "g_null"] if policy.group else []
    if policy.query:
        parts += ["coalesce(qa, qb) AS q", "ok AND qa <> qb AS query_conflict"]
    if policy.task not in VECTORED:
        parts += ["sa", "sb"]
    else:
        parts.append(f"CASE WHEN ok THEN {dialect.distance('va', 'vb')} END AS delta")
        parts.append("va IS NOT DISTINCT FROM vb AS same")
    if policy.task == "multiclass":
        for side in "ab":
            true = dialect.element(f"v{side}", "y")
            parts.append(f"CASE WHEN u{side} AND y IS NOT NULL THEN {true} END AS t{side}")
            better = dialect.above(f"v{side}", dialect.element(f"v{side}", "y"))
            parts.append(f"CASE WHEN u{side} AND y IS NOT NULL THEN {better} + 1 END AS r{side}")
    if policy.task == "embedding":
        parts.append(f"CASE WHEN ok THEN 1.0 - {dialect.cosine('va', 'vb')} END AS d")
    return ", ".join([*parts, *own_values(at)])


def conflicts(session: Session, layout: Layout, bad: tuple[str, ...]) -> dict[str, int]:
    """Count, for each attribute and the time, the paired rows whose values differ. Reads the artifacts again."""
    short = {column: name for column, name in attributes(layout).items() if column}
    compared = short | ({layout.policy.time: "t"} if layout.policy.time else {})
    both = {c: n for c, n in compared.items() if layout.has("baseline", c) and layout.has("candidate", c)}
    if not both:
        return {}
    counts = ", ".join(
        f"{how_many(f'a.{name} IS DISTINCT FROM b.{name}')} AS n{i}" for i, name in enumerate(both.values())
    )
    on = " AND ".join(f"a.{k} = b.{k}" for k in keys(layout))
    first, second = (keyed(layout, role, bad) for role in ("baseline", "candidate"))
    found = session.row(f"SELECT {counts} FROM ({first}) a JOIN ({second}) b ON {on}")
    return {column: int(found[f"n{i}"]) for i, column in enumerate(both)}
