"""Which column of which artifact plays which role, checked before any row is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.errors import DataError, PolicyError, nearest
from ghmlops.core.predictions.contract.facts import SchemaFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.policy.regression import Regression
    from ghmlops.measure.predictions.engine.session import Session

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
_LIST = re.compile(r"([^\[\]]+)\[\d*\]")
SIDES = ("baseline", "candidate")
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
CLASS_KINDS = (*NUMBER_KINDS, "boolean", "text")
ZONED = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")


class Use(NamedTuple):
    """What a column is used for, the kinds of types that can be, and what to write instead of another."""

    what: str
    kinds: tuple[str, ...]
    hint: str


KEY = Use("a key", KEY_KINDS, "write it as an integer or as text")
SCORE = Use("a score", NUMBER_KINDS, "write it as a floating-point number")
VECTOR = Use("a vector", ("vector",), "write it as a list of floating-point numbers")
TIME = Use("the time", ("time", "date"), "write it as a timestamp in UTC")
DECISION = Use("a decision", CLASS_KINDS, "write it as 0 and 1, or as text with `classes`")
_LABELS = {
    "binary": Use("a label", CLASS_KINDS, DECISION.hint),
    "multiclass": Use("a label", CLASS_KINDS, "write it as one of `classes`"),
    "regression": Use("a label", NUMBER_KINDS, "write it as a number"),
    "ranking": Use("a relevance", (*NUMBER_KINDS, "boolean"), "write it as a number, 0 for irrelevant"),
}
CLASSED = ("binary", "multiclass")
"""Tasks whose labels and decisions are classes."""
VECTORED = ("multiclass", "embedding")
"""Tasks whose score is a vector."""
_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of each artifact, name to DuckDB type, and what follows for reading them. Roles: see `Session`."""

    policy: Regression
    types: Mapping[str, Mapping[str, str]]
    schema: SchemaFacts
    hive: tuple[str, ...] = ()
    """Roles whose folders are columns."""
    fine: tuple[str, ...] = ()
    """Features of so many values that no slice of one is worth a look."""
    sound: bool = False
    """The contract has found every prediction usable and every label a class or none: neither is tested once more."""

    def actual(self, role: str, column: str) -> str:
        """Return what the artifact calls the column that the policy calls `column`."""
        return self.policy.column(role, column)

    def has(self, role: str, column: str) -> bool:
        """True where the artifact has the column."""
        return self.actual(role, column) in self.types.get(role, {})

    def type_of(self, role: str, column: str) -> str:
        """Return the type of a column that the artifact has."""
        return self.types[role][self.actual(role, column)]

    @property
    def label_roles(self) -> tuple[str, ...]:
        """Where labels come from: the file of labels alone if there is one, else the artifacts that have the column."""
        if not self.policy.label or self.policy.task == "embedding":
            return ()
        if "labels" in self.types:
            return ("labels",)
        return tuple(role for role in ("baseline", "candidate") if self.has(role, self.policy.label))

    @property
    def score(self) -> str:
        """The column that is compared as a number, or as a vector."""
        return self.policy.prediction if self.policy.task == "regression" else self.policy.score

    @property
    def attributes(self) -> tuple[str, ...]:
        """Columns that rows are cut by, each once: those of slices, then features that both have, unless too fine."""
        both = [c for c in self.policy.features if c not in self.fine and all(self.has(role, c) for role in SIDES)]
        return tuple(dict.fromkeys((*self.policy.slice_columns, *both)))


def kind(duckdb_type: str) -> str:
    """Return the kind of a DuckDB type: `integer`, `float`, `text`, ..., or `nested`."""
    if (found := _LIST.fullmatch(duckdb_type)) and kind(found[1]) in NUMBER_KINDS:
        return "vector"
    if duckdb_type.endswith("]"):
        return "nested"
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
        PolicyError: a column that is to be masked is not one that is shown.
    """
    types = {role: session.types(role) for role in session.roles}
    hive = tuple(role for role in session.roles if session.hive(role))
    layout = Layout(policy=policy, types=types, schema=SchemaFacts(columns=0), hive=hive)
    _check_columns(layout, session)
    _check_types(layout, session)
    return Layout(policy=policy, types=types, schema=_schema(layout), hive=hive)


def _check_columns(layout: Layout, session: Session) -> None:
    policy = layout.policy
    for role in session.roles:
        own = policy.key + ((policy.label,) if role == "labels" else _predictions(layout))
        for column in own:
            _require(layout, session, role, column)
    if policy.label and not layout.label_roles:
        _require(layout, session, "baseline", policy.label)
    _check_changed(policy)
    for column in (*_attributes(layout), *policy.changed.show):
        if not layout.has("baseline", column) and not layout.has("candidate", column):
            _require(layout, session, "baseline", column)


def _check_changed(policy: Regression) -> None:
    """Refuse to mask or hash what is not shown: a slip there would show what was to be hidden."""
    shown = (*policy.key, *policy.changed.show, policy.label, policy.score, policy.prediction)
    for column in (*policy.changed.mask, *policy.changed.hash):
        if column not in shown:
            known = tuple(name for name in shown if name)
            raise PolicyError(
                f'`changed-rows` masks or hashes "{column}", which is not among what is shown',
                hint=nearest(column, known),
            )


def _predictions(layout: Layout) -> tuple[str, ...]:
    policy = layout.policy
    named = (policy.score, policy.prediction) if policy.task in CLASSED else (layout.score,)
    return tuple(c for c in (*named, policy.query) if c)


def _attributes(layout: Layout) -> tuple[str, ...]:
    policy = layout.policy
    return tuple(dict.fromkeys(c for c in (policy.time, policy.group, *policy.slice_columns, *policy.features) if c))


def _require(layout: Layout, session: Session, role: str, column: str) -> None:
    known, actual = tuple(layout.types[role]), layout.actual(role, column)
    if actual in known:
        return
    where = "the file of labels" if role == "labels" else f"the {role}"
    raise DataError(
        f'{session.shown(role)}: {where} has no column "{actual}"', hint=nearest(actual, _short_list(actual, known))
    )


def _short_list(column: str, known: tuple[str, ...]) -> tuple[str, ...]:
    if len(known) <= _LISTED:
        return known
    import difflib

    close = difflib.get_close_matches(column, known, n=1, cutoff=0.5)
    return (*close, *[name for name in known if name not in close][: _LISTED - len(close)])


def _check_types(layout: Layout, session: Session) -> None:
    policy = layout.policy
    for role in session.roles:
        for column in policy.key:
            _allow(layout, session, (role, column), KEY)
        if role == "labels":
            continue
        _allow(layout, session, (role, layout.score), VECTOR if policy.task in VECTORED else SCORE)
        if policy.query:
            _allow(layout, session, (role, policy.query), KEY)
        if policy.time and layout.has(role, policy.time) and not partition_time(layout, role):
            _allow(layout, session, (role, policy.time), TIME)
        if policy.task in CLASSED and policy.prediction:
            _allow(layout, session, (role, policy.prediction), DECISION)
            _need_classes(layout, session, role, policy.prediction)
    for role in layout.label_roles:
        _allow(layout, session, (role, policy.label), _LABELS[policy.task])
        _need_classes(layout, session, role, policy.label)


def partition_time(layout: Layout, role: str) -> bool:
    """True where the time is the name of a folder: text that is read as a date."""
    return role in layout.hive and layout.type_of(role, layout.policy.time) == "VARCHAR"


def _allow(layout: Layout, session: Session, at: tuple[str, str], use: Use) -> None:
    role, column = at
    found, actual = layout.type_of(role, column), layout.actual(role, column)
    if kind(found) not in use.kinds:
        raise DataError(f'{session.shown(role)}: column "{actual}" of type {found} cannot be {use.what}', hint=use.hint)


def _need_classes(layout: Layout, session: Session, role: str, column: str) -> None:
    if layout.policy.task == "binary" and kind(layout.type_of(role, column)) == "text" and not layout.policy.classes:
        raise DataError(
            f'{session.shown(role)}: column "{layout.actual(role, column)}" is text, and the policy does not say which '
            "value is positive",
            hint="name the negative class, then the positive: `classes: [no, yes]` in the policy's `regression`",
        )


def _schema(layout: Layout) -> SchemaFacts:
    policy = layout.policy
    compared = [c for c in (*_predictions(layout), *_attributes(layout)) if c]
    compared += [policy.label] if len(layout.label_roles) == 2 else []
    both = [c for c in dict.fromkeys(compared) if all(layout.has(role, c) for role in SIDES)]
    pairs = {column: (layout.type_of(SIDES[0], column), layout.type_of(SIDES[1], column)) for column in both}
    bad_labels = [c for c in pairs if c == policy.label and len(layout.label_roles) == 2 and _unlike_labels(*pairs[c])]
    unlike = [c for c, pair in pairs.items() if pair[0] != pair[1] and c not in bad_labels]
    kinds = {c: (_zoned_kind(pairs[c][0]), _zoned_kind(pairs[c][1])) for c in unlike}
    used = {*policy.key, *compared, *([policy.label] if policy.label else [])}
    return SchemaFacts(
        columns=len(used),
        mismatched_keys=tuple(_bad_keys(layout)),
        mismatched_labels=tuple(_differs(c, pairs[c]) for c in bad_labels),
        different=tuple(_differs(c, pairs[c]) for c in unlike if kinds[c][0] != kinds[c][1]),
        widths=tuple(_differs(c, pairs[c]) for c in unlike if kinds[c][0] == kinds[c][1]),
        naive=tuple(f"{_named(policy.time)} ({role})" for role in SIDES if _naive(layout, role)),
        single=any(layout.type_of(role, layout.score).startswith("FLOAT") for role in SIDES),
        only=tuple(_only(layout, used)),
        one_sided=tuple(
            f"{_named(column)} ({role})"
            for column in policy.features
            for role, other in (SIDES, SIDES[::-1])
            if layout.has(role, column) and not layout.has(other, column)
        ),
    )


def _only(layout: Layout, used: set[str]) -> list[str]:
    """Return the columns that one side has alone and nothing uses."""
    types = layout.types
    taken = {role: {layout.actual(role, column) for column in used} for role in SIDES}
    return [
        f"{_named(column)} ({role})"
        for role, other in (SIDES, SIDES[::-1])
        for column in types[role]
        if column not in types[other] and column not in taken[role]
    ]


def _bad_keys(layout: Layout) -> list[str]:
    return [
        f"{_named(column)} is {layout.type_of('baseline', column)} in the baseline and {layout.type_of(role, column)} "
        f"in the {role}"
        for role in layout.types
        if role != "baseline"
        for column in (*layout.policy.key, *([layout.policy.query] if layout.policy.query and role in SIDES else []))
        if kind(layout.type_of("baseline", column)) != kind(layout.type_of(role, column))
    ]


def _naive(layout: Layout, role: str) -> bool:
    column = layout.policy.time
    return bool(column) and layout.has(role, column) and _zoned_kind(layout.type_of(role, column)) == "time"


def _zoned_kind(duckdb_type: str) -> str:
    return "time with a zone" if duckdb_type in ZONED else kind(duckdb_type)


def _unlike_labels(first: str, second: str) -> bool:
    """True for labels that only a cast could compare: text against anything else."""
    return (kind(first) == "text") != (kind(second) == "text")


def _differs(column: str, pair: tuple[str, str]) -> str:
    return f"{_named(column)} is {pair[0]} in the baseline and {pair[1]} in the candidate"


def _named(column: str) -> str:
    return f'"{column}"'
