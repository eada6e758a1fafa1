# ruff: noqa: S608  (every name in the SQL is ours or quoted by `identifier`, every text by `literal`)
"""Which column of which artifact plays which role, checked before any row is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.contract_facts import SchemaFacts
from ghmlops.core.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy import Regression
    from ghmlops.measure.predictions.session import Session

INTEGERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_KINDS = dict.fromkeys(INTEGERS, "integer") | {
    "FLOAT": "float",
    "DOUBLE": "float",
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "UUID": "uuid",
    "BLOB": "bytes",
}
KEY_KINDS = ("integer", "text", "boolean", "date", "time", "uuid", "bytes", "decimal")
NUMBER_KINDS = ("integer", "float", "decimal")
ZONED = "TIMESTAMP WITH TIME ZONE"


class Use(NamedTuple):
    """What a column is used for, the kinds of types that can be, and what to write instead of another."""

    what: str
    kinds: tuple[str, ...]
    hint: str


KEY = Use("a key", KEY_KINDS, "write it as an integer or as text")
SCORE = Use("a score", NUMBER_KINDS, "write it as a floating-point number")
TIME = Use("the time", ("time", "date"), "write it as a timestamp in UTC")
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of each artifact, name to DuckDB type, and what follows for reading them. Roles: see `Session`."""

    policy: Regression
    types: Mapping[str, Mapping[str, str]]
    schema: SchemaFacts

    def has(self, role: str, column: str) -> bool:
        """True where the artifact has the column."""
        return column in self.types.get(role, {})

    @property
    def label_roles(self) -> tuple[str, ...]:
        """Where labels come from: the file of labels alone if there is one, else the artifacts that have the column."""
        if "labels" in self.types:
            return ("labels",)
        return tuple(role for role in ("baseline", "candidate") if self.has(role, self.policy.label))

    @property
    def score(self) -> str:
        """The column that is compared as a number."""
        return self.policy.score if self.policy.task == "binary" else self.policy.prediction

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns that slices are cut by, each once."""
        return tuple(dict.fromkeys(column for columns in self.policy.slices for column in columns))


def kind(duckdb_type: str) -> str:
    """Return the kind of a DuckDB type: `integer`, `float`, `text`, ..., or `nested`."""
    if duckdb_type.startswith("DECIMAL"):
        return "decimal"
    if duckdb_type.startswith("TIMESTAMP"):
        return "time"
    if duckdb_type.startswith("ENUM"):
        return "text"
    return _KINDS.get(duckdb_type, "nested")


def read_layout(session: Session, policy: Regression) -> Layout:
    """Read the schemas and find every column that the policy names.

    Raises:
        DataError: a column is missing (it is named, with the side and the nearest one), or has an unusable type.
    """
    types = {
        role: {str(r[0]): str(r[1]) for r in session.rows(f"DESCRIBE SELECT * FROM {session.table(role)}")}
        for role in session.roles
    }
    layout = Layout(policy=policy, types=types, schema=SchemaFacts(columns=0))
    _check_columns(layout, session)
    _check_types(layout, session)
    return Layout(policy=policy, types=types, schema=_schema(layout))


def _check_columns(layout: Layout, session: Session) -> None:
    policy = layout.policy
    for role in session.roles:
        own = policy.key + ((policy.label,) if role == "labels" else _predictions(layout))
        for column in own:
            _require(layout, session, role, column)
    if not layout.label_roles:
        _require(layout, session, "baseline", policy.label)
    for column in _attributes(layout):
        if not layout.has("baseline", column) and not layout.has("candidate", column):
            _require(layout, session, "baseline", column)


def _predictions(layout: Layout) -> tuple[str, ...]:
    return (
        tuple(c for c in (layout.policy.score, layout.policy.prediction) if c)
        if layout.policy.task == "binary"
        else (layout.policy.prediction,)
    )


def _attributes(layout: Layout) -> tuple[str, ...]:
    return tuple(c for c in (layout.policy.time, layout.policy.group, *layout.slice_columns) if c)


def _require(layout: Layout, session: Session, role: str, column: str) -> None:
    known = tuple(layout.types[role])
    if column in known:
        return
    where = "the file of labels" if role == "labels" else f"the {role}"
    raise DataError(
        f'{session.shown(role)}: {where} has no column "{column}"', hint=nearest(column, _short_list(column, known))
    )


def _short_list(column: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if len(known) <= _LISTED:
        return known
    import difflib

    close = difflib.get_close_matches(column, known, n=1, cutoff=0.5)
    return (*close, *[name for name in known if name not in close][: _LISTED - len(close)])


def _check_types(layout: Layout, session: Session) -> None:
    policy, binary = layout.policy, layout.policy.task == "binary"
    classed = Use("a decision", (*NUMBER_KINDS, "boolean", "text"), "write it as 0 and 1, or as text with `classes`")
    label = Use(
        "a label", classed.kinds if binary else NUMBER_KINDS, classed.hint if binary else "write it as a number"
    )
    for role in session.roles:
        for column in policy.key:
            _allow(layout, session, (role, column), KEY)
        if role == "labels":
            continue
        _allow(layout, session, (role, layout.score), SCORE)
        if policy.time and layout.has(role, policy.time):
            _allow(layout, session, (role, policy.time), TIME)
        if binary and policy.prediction:
            _allow(layout, session, (role, policy.prediction), classed)
            _need_classes(layout, session, role, policy.prediction)
    for role in layout.label_roles:
        _allow(layout, session, (role, policy.label), label)
        _need_classes(layout, session, role, policy.label)


def _allow(layout: Layout, session: Session, at: tuple[str, str], use: Use) -> None:
    role, column = at
    found = layout.types[role][column]
    if kind(found) not in use.kinds:
        raise DataError(f'{session.shown(role)}: column "{column}" of type {found} cannot be {use.what}', hint=use.hint)


def _need_classes(layout: Layout, session: Session, role: str, column: str) -> None:
    if layout.policy.task == "binary" and kind(layout.types[role][column]) == "text" and not layout.policy.classes:
        raise DataError(
            f'{session.shown(role)}: column "{column}" is text, and the policy does not say which value is positive',
            hint="name the negative class, then the positive: `classes: [no, yes]` in the policy's `regression`",
        )


def _schema(layout: Layout) -> SchemaFacts:
    policy, types = layout.policy, layout.types
    compared = [c for c in (*_predictions(layout), *_attributes(layout)) if c]
    compared += [policy.label] if len(layout.label_roles) == 2 else []
    both = [c for c in dict.fromkeys(compared) if all(layout.has(role, c) for role in ("baseline", "candidate"))]
    pairs = {column: (types["baseline"][column], types["candidate"][column]) for column in both}
    bad_labels = [c for c in pairs if c == policy.label and len(layout.label_roles) == 2 and _unlike_labels(*pairs[c])]
    unlike = [c for c, pair in pairs.items() if pair[0] != pair[1] and c not in bad_labels]
    kinds = {c: (_zoned_kind(pairs[c][0]), _zoned_kind(pairs[c][1])) for c in unlike}
    used = {*policy.key, policy.label, *compared}
    return SchemaFacts(
        columns=len(used),
        mismatched_keys=tuple(_bad_keys(layout)),
        mismatched_labels=tuple(_differs(c, pairs[c]) for c in bad_labels),
        different=tuple(_differs(c, pairs[c]) for c in unlike if kinds[c][0] != kinds[c][1]),
        widths=tuple(_differs(c, pairs[c]) for c in unlike if kinds[c][0] == kinds[c][1]),
        naive=tuple(f"{_named(policy.time)} ({role})" for role in ("baseline", "candidate") if _naive(layout, role)),
        single="FLOAT" in {types[role][layout.score] for role in ("baseline", "candidate")},
        only=tuple(
            f"{_named(column)} ({role})"
            for role, other in (("baseline", "candidate"), ("candidate", "baseline"))
            for column in types[role]
            if column not in types[other] and column not in used
        ),
    )


def _bad_keys(layout: Layout) -> list[str]:
    types = layout.types
    return [
        f"{_named(column)} is {types['baseline'][column]} in the baseline and {types[role][column]} in the {role}"
        for role in types
        if role != "baseline"
        for column in layout.policy.key
        if kind(types["baseline"][column]) != kind(types[role][column])
    ]


def _naive(layout: Layout, role: str) -> bool:
    column = layout.policy.time
    return bool(column) and layout.has(role, column) and _zoned_kind(layout.types[role][column]) == "time"


def _zoned_kind(duckdb_type: str) -> str:
    return "time with a zone" if duckdb_type == ZONED else kind(duckdb_type)


def _unlike_labels(first: str, second: str) -> bool:
    """True for labels that only a cast could compare: text against anything else."""
    return (kind(first) == "text") != (kind(second) == "text")


def _differs(column: str, pair: tuple[str, str]) -> str:
    return f"{_named(column)} is {pair[0]} in the baseline and {pair[1]} in the candidate"


def _named(column: str) -> str:
    return f'"{column}"'
