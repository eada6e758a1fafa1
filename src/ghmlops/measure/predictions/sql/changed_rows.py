# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""The rows that changed most, with their keys: only where the policy asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.measure.predictions.layout import CLASSED, SIDES, VECTORED
from ghmlops.measure.predictions.sql.pairing import keyed
from ghmlops.measure.predictions.sql.staging import keys

if TYPE_CHECKING:
    from ghmlops.measure.predictions.sql.staging import Staged

_LONG = 100
_DIGEST = 12


def read_changed(at: Staged, bad: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the changed rows, other decisions first, then the largest difference; values masked or hashed as asked.

    `bad` are the roles in which keys repeat. Hashes are the first 12 hexadecimal digits of the SHA-256 of the value as
    text: enough to find a row again, no protection of values that can be guessed.
    """
    layout, policy = at.layout, at.layout.policy
    vectored, classed = policy.task in VECTORED, policy.task in CLASSED
    apart = at.session.dialect.distance("a.v", "b.v") if vectored else "abs(b.s - a.s)"
    flipped = "a.p IS DISTINCT FROM b.p" if classed else "false"
    order = [f"{flipped} DESC"] * classed + [f"{apart} DESC"]
    names = keys(layout)
    values = {column: _text(at, f"a.{k}") for column, k in zip(policy.key, names, strict=True)}
    values |= {
        column: f"coalesce({_text(at, f'a.e{i}')}, {_text(at, f'b.e{i}')})"
        for i, column in enumerate(policy.changed.show)
    }
    values = {column: f"left({_hidden(at, column, sql)}, {_LONG})" for column, sql in values.items()}
    if layout.label_roles:
        label = "l.y" if "labels" in layout.label_roles else "coalesce(a.y, b.y)"
        values["label"] = _hidden(at, policy.label, _named(at, label))
    if classed:
        decided = policy.prediction or policy.score
        values |= {
            f"{role} decision": _hidden(at, decided, _named(at, f"{s}.p")) for role, s in zip(SIDES, "ab", strict=True)
        }
    scores = {"change": apart} if vectored else {"baseline": "a.s", "candidate": "b.s", "change": "b.s - a.s"}
    values |= {name: _hidden(at, layout.score, sql) for name, sql in scores.items()}
    parts = ", ".join(f"{sql} AS v{i}" for i, sql in enumerate(values.values()))
    first, second = (keyed(layout, role, bad) for role in SIDES)
    joined = f"({first}) a JOIN ({second}) b ON {' AND '.join(f'a.{k} = b.{k}' for k in names)}"
    if "labels" in layout.label_roles:
        joined += f" LEFT JOIN side_labels l ON {' AND '.join(f'a.{k} = l.{k}' for k in names)}"
    found = at.session.rows(
        f"SELECT {parts} FROM {joined} WHERE a.u AND b.u AND ({flipped} OR {apart} > 0) "
        f"ORDER BY {', '.join([*order, *(f'a.{k}' for k in names)])} LIMIT {policy.changed.rows}"
    )
    return [dict(zip(values, (_plain(v) for v in row), strict=True)) for row in found]


def _named(at: Staged, sql: str) -> str:
    """Return a class by its name; other labels are numbers."""
    policy = at.layout.policy
    if policy.task not in CLASSED:
        return sql
    names = policy.classes or ("0", "1")
    named = [f"WHEN {sql} = {i} THEN {at.session.dialect.literal(name)}" for i, name in enumerate(names)]
    return f"CASE {' '.join(named)} END"


def _text(at: Staged, sql: str) -> str:
    return f"CAST({sql} AS {at.session.dialect.text})"


def _hidden(at: Staged, column: str, sql: str) -> str:
    """Return the value of a column, or what the policy puts in its place."""
    changed, dialect = at.layout.policy.changed, at.session.dialect
    if column in changed.mask:
        return "'***'"
    hashed = f"left({dialect.sha256(f'CAST({sql} AS {dialect.text})')}, {_DIGEST})"
    return hashed if column in changed.hash else sql


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
