# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""What one artifact holds, counted in one pass: the numbers of the contract and the fingerprint of the content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ghmlops.core.model import finite
from ghmlops.core.predictions.contract.facts import SideFacts
from ghmlops.measure.predictions.engine.dialect import how_many, identifier
from ghmlops.measure.predictions.layout import CLASSED, VECTORED
from ghmlops.measure.predictions.sql.columns import NORMAL, class_of
from ghmlops.measure.predictions.sql.staging import keys

if TYPE_CHECKING:
    from ghmlops.measure.predictions.engine.session import Session
    from ghmlops.measure.predictions.layout import Layout
    from ghmlops.measure.predictions.sql.staging import Staged

SAMPLE, FINE_SHARE = 100_000, 0.2
"""Rows looked at, and the share of different combinations from which on attributes do not share one code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One artifact."""

    facts: SideFacts
    fingerprint: str
    """Of the content: independent of the order of rows and columns, encoding, files and row groups."""
    keyed: int
    """Rows with a key."""
    sound: bool
    """See `Layout.sound`."""


def too_fine(session: Session) -> bool:
    """True where the first rows already have so many combinations of attributes that one code for all is no saving."""
    found = session.row(
        f"SELECT count(*) AS n, count(DISTINCT c0) AS cells FROM (SELECT c0 FROM side_baseline LIMIT {SAMPLE})"
    )
    return int(found["cells"]) > max(FINE_SHARE * int(found["n"]), 1000)


def count_side(at: Staged, role: str) -> Counted:
    """Count what the contract asks about an artifact, in one pass over all its columns."""
    session, layout = at.session, at.layout
    parts = ", ".join(f"{sql} AS {name}" for name, sql in _wanted(session, layout, role).items())
    found = session.row(f"SELECT {parts} FROM side_{role}")
    keyed = int(found["rows"]) - int(found["null_keys"])
    if role not in layout.label_roles:
        found["null_labels"] = 0
    sound = not found["odd_labels"] and not found.get("unusable")
    if found.pop("unusable", 0):
        found |= _faults(session, layout, role)
    prints = int(found.pop("total")), int(found.pop("mixed"))
    examples = _odd_examples(session, layout, role) if found["odd_labels"] else ()
    return Counted(
        facts=SideFacts(**found, odd_label_examples=examples),
        fingerprint=_fingerprint(session, layout, role, (int(found["rows"]), *prints)),
        keyed=keyed,
        sound=sound,
    )


def _wanted(session: Session, layout: Layout, role: str) -> dict[str, str]:
    """Return name to SQL over all rows."""
    dialect, policy = session.dialect, layout.policy
    found = {
        '"rows"': "count(*)",
        "null_keys": how_many(" OR ".join(f"{k} IS NULL" for k in keys(layout))),
        "null_labels": f"count(*) - {how_many('y_given')}",
        "odd_labels": f"{how_many('y_given')} - count(y)",
    }
    if role != "labels":
        found |= {"unusable": f"count(*) - {how_many('u')}", "stale_predictions": how_many("stale AND u")}
        if policy.time and layout.has(role, policy.time):
            found["null_times"] = "count(*) - count(t)"
    found["total"] = f"coalesce(sum(CAST(fp AS {dialect.whole})), 0)"
    found["mixed"] = "coalesce(bit_xor(fp), 0)"
    return found


def _faults(session: Session, layout: Layout, role: str) -> dict[str, Any]:
    """Count why predictions cannot be used: a second pass, only where there are such."""
    dialect, policy, bounds = session.dialect, layout.policy, ""
    if policy.task in VECTORED:
        counts = _vectors(session, layout)
    else:
        inside = dialect.finite("s")
        counts = {
            "null_scores": "s IS NULL",
            # DuckDB takes `isnan` for false where a file's statistics, which leave NaN out, hold numbers.
            "nan_scores": f"NOT {inside} AND NOT {dialect.infinite('s')}",
            "infinite_scores": dialect.infinite("s"),
            "outside_scores": f"{inside} AND (s < 0 OR s > 1)" if policy.task == "binary" else "false",
        }
        bounds = ", " + ", ".join(f"{end}(s) FILTER (WHERE {inside}) AS {name}" for end, name in _BOUNDS)
    if policy.task in CLASSED and policy.prediction:
        counts["null_predictions"] = f"{'v' if policy.task in VECTORED else 's'} IS NOT NULL AND p IS NULL"
    if policy.query:
        counts["null_queries"] = "q IS NULL"
    parts = ", ".join(f"{how_many(condition)} AS {name}" for name, condition in counts.items())
    found = session.row(f"SELECT {parts}{bounds} FROM side_{role}")
    return found | {name: finite(found[name]) for _, name in _BOUNDS if name in found}


_BOUNDS = (("min", "low_score"), ("max", "high_score"))


def _vectors(session: Session, layout: Layout) -> dict[str, str]:
    dialect, size = session.dialect, len(layout.policy.classes)
    broken = f"NOT {dialect.every('v', dialect.finite('e'))}"
    whole = f"v IS NOT NULL AND NOT ({broken})"
    if layout.policy.task == "embedding":
        return {
            "null_scores": "v IS NULL",
            "broken_vectors": f"v IS NOT NULL AND {broken}",
            "zero_vectors": f"{whole} AND {dialect.every('v', 'e = 0')}",
        }
    fits = f"{dialect.length('v')} = {size}"
    inside = dialect.every("v", "e >= 0 AND e <= 1")
    return {
        "null_scores": "v IS NULL",
        "broken_vectors": f"v IS NOT NULL AND {broken}",
        "ragged_vectors": f"{whole} AND NOT ({fits})",
        "outside_scores": f"{whole} AND {fits} AND NOT {inside}",
        "unnormalised_vectors": f"{whole} AND {fits} AND {inside} AND abs({dialect.total('v')} - 1) > {NORMAL}",
    }


def _odd_examples(session: Session, layout: Layout, role: str) -> tuple[str, ...]:
    name = identifier(layout.actual(role, layout.policy.label))
    text = f"left(CAST({name} AS {session.dialect.text}), 40)"
    known = (
        class_of(session.dialect, layout, role, layout.policy.label)
        if layout.policy.task in CLASSED
        else f"CASE WHEN {session.dialect.finite(f'CAST({name} AS DOUBLE)')} THEN 1 END"
    )
    found = session.rows(
        f"SELECT DISTINCT {text} FROM {session.table(role)} WHERE {name} IS NOT NULL AND ({known}) IS NULL "
        "ORDER BY 1 LIMIT 3"
    )
    return tuple(str(row[0]) for row in found)


def _fingerprint(session: Session, layout: Layout, role: str, numbers: tuple[int, int, int]) -> str:
    """Return `content:<engine>:<rows>:<hex>`: the columns, and sum and exclusive or of the rows' hashes."""
    columns = sorted(layout.types[role].items())
    digest = hashlib.sha256(repr((columns, *numbers)).encode()).hexdigest()
    return f"content:{session.name}:{numbers[0]}:{digest[:32]}"


def repeated(session: Session, layout: Layout, role: str) -> dict[str, int]:
    """Keep the keys that occur more than once in the table `repeated_<role>`, and count them."""
    names = ", ".join(keys(layout))
    known = " AND ".join(f"{k} IS NOT NULL" for k in keys(layout))
    session.store(
        f"repeated_{role}",
        f"SELECT {names}, count(*) AS occurs FROM side_{role} WHERE {known} GROUP BY {names} HAVING count(*) > 1",
    )
    found = session.row(
        "SELECT count(*) AS repeated_keys, CAST(coalesce(sum(occurs), 0) AS BIGINT) AS repeated_rows "
        f"FROM repeated_{role}"
    )
    if not found["repeated_keys"]:
        return found
    same = " AND ".join(f"side.{k} = twice.{k}" for k in keys(layout))
    sided = ", ".join(f"side.{k} AS {k}" for k in keys(layout))
    different = session.row(
        f"SELECT count(*) AS conflicting_keys FROM (SELECT {names} FROM (SELECT DISTINCT {sided}, side.fp AS fp "
        f"FROM side_{role} side JOIN repeated_{role} twice ON {same}) GROUP BY {names} HAVING count(*) > 1)"
    )
    return found | different
