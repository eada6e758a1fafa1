"""Reads the schemas of the artifacts, checks every column that the policy names, and compares the two sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import DataError, PolicyError, nearest
from ghmlops.core.predictions.contract.facts import SchemaFacts
from ghmlops.measure.predictions import column_types
from ghmlops.measure.predictions.column_types import ZONED_TIMES, type_kind
from ghmlops.measure.predictions.layout import CLASS_TASKS, SIDES, VECTOR_TASKS, Layout
from ghmlops.measure.predictions.pandas_index import index_hint
from ghmlops.measure.predictions.sql.custom_metrics import columns_of_metrics

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression
    from ghmlops.measure.predictions.column_types import ColumnUse
    from ghmlops.measure.predictions.engine.session import Session

_CLASS_NUMBER_KINDS = {"boolean", "integer", "float", "decimal"}
"""Kinds of types in which a class can be a number."""
_MAX_SUGGESTIONS = 20
"""Maximum number of column names that a message compares with a missing one."""


def read_layout(session: Session, policy: Regression) -> Layout:
    """Read the schemas and locate every column that the policy names.

    Raises:
        DataError: a column is missing (the message has its name, the side and the nearest name), or its type cannot be
            used.
        PolicyError: the policy masks or hashes a column that is not among the columns listed.
    """
    types = {role: session.types(role) for role in session.roles}
    partitioned = tuple(role for role in session.roles if session.has_partitions(role))
    layout = Layout(policy=policy, types=types, schema=SchemaFacts(columns=0), partitioned_roles=partitioned)
    _check_columns(layout, session)
    _check_types(layout, session)
    set_aside = tuple(why for role in session.roles for why in session.columns_set_aside(role).values())
    return Layout(policy=policy, types=types, schema=_schema_facts(layout, set_aside), partitioned_roles=partitioned)


def _check_columns(layout: Layout, session: Session) -> None:
    policy = layout.policy
    for role in session.roles:
        for column, why in session.columns_set_aside(role).items():
            if column in used_columns(layout, role):
                raise DataError(why, hint="write all files of an artifact with the same columns and types")
        columns = (policy.label,) if role == "labels" else _prediction_columns(layout)
        for column in (*policy.key, *columns):
            _require(layout, session, role, column)
    for role in layout.weight_roles:
        _require(layout, session, role, policy.weight)
    if policy.label and not layout.label_roles and policy.task != "label-sets":
        _require(layout, session, "baseline", policy.label)
    _check_changed_rows(policy)
    _check_private(layout, session)
    for column in (*_attribute_columns(layout), *policy.changed.show):
        if not layout.has("baseline", column) and not layout.has("candidate", column):
            _require(layout, session, "baseline", column)


def _check_changed_rows(policy: Regression) -> None:
    """Reject a mask or hash of a column that is not listed: a typing error there would reveal the intended column."""
    scores = (policy.score, *policy.scores)
    output_columns = (*policy.key, *policy.changed.show, policy.label, *scores, policy.prediction)
    for column in (*policy.changed.mask, *policy.changed.hash):
        if column not in output_columns:
            raise PolicyError(
                f'`changed-rows` masks or hashes "{column}", which is not among the columns it lists',
                hint=nearest(column, tuple(name for name in output_columns if name)),
            )


def _check_private(layout: Layout, session: Session) -> None:
    """Reject a private column that does not exist, or whose values are names of folders, which messages contain."""
    names = tuple(dict.fromkeys(name for role in session.roles for name in layout.types[role]))
    for column in layout.policy.private_columns:
        exists = any(layout.has(role, column) for role in session.roles)
        if not exists and column in layout.policy.private:
            raise PolicyError(f'`private` names "{column}", which no artifact has', hint=nearest(column, names))
        for role in session.roles:
            folders = {key.lower() for key in session.sources[role].partition_values(0)}
            if layout.actual_name(role, column).lower() in folders:
                raise DataError(
                    f'{session.display_name(role)}: column "{column}" is private, and names of folders are its values',
                    hint="write it as a column of the files, and partition by another one",
                )


def _prediction_columns(layout: Layout) -> tuple[str, ...]:
    policy = layout.policy
    if policy.task == "label-sets":
        return tuple(c for target in policy.targets for c in (target.score, target.prediction) if c)
    if policy.task == "text":
        return tuple(c for c in (policy.prediction, policy.score) if c)
    scores = (policy.score, *policy.scores)
    columns = (
        (*scores, policy.prediction) if policy.task in CLASS_TASKS else (*layout.score_columns, *policy.predictions)
    )
    return tuple(c for c in (*columns, policy.query) if c)


def _attribute_columns(layout: Layout) -> tuple[str, ...]:
    policy = layout.policy
    return tuple(dict.fromkeys(c for c in (policy.time, policy.group, *policy.slice_columns, *policy.features) if c))


def _require(layout: Layout, session: Session, role: str, column: str) -> None:
    columns, actual = tuple(layout.types[role]), layout.actual_name(role, column)
    if actual in columns:
        return
    artifact = "the file of labels" if role == "labels" else f"the {role}"
    raise DataError(
        f'{session.display_name(role)}: {artifact} has no column "{actual}"',
        hint=nearest(actual, _suggestions(actual, columns))
        + index_hint(session.sources[role], actual, columns, is_key=column in layout.policy.key),
    )


def _suggestions(column: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(columns) <= _MAX_SUGGESTIONS:
        return columns
    import difflib

    close = difflib.get_close_matches(column, columns, n=1, cutoff=0.5)
    return (*close, *[name for name in columns if name not in close][: _MAX_SUGGESTIONS - len(close)])


def _check_types(layout: Layout, session: Session) -> None:
    policy = layout.policy
    for role in layout.weight_roles:
        _check_use(layout, session, (role, policy.weight), column_types.WEIGHT)
    for role in session.roles:
        for column in policy.key:
            _check_use(layout, session, (role, column), column_types.KEY)
        if role == "labels":
            continue
        has_vector = policy.task in VECTOR_TASKS and not policy.scores
        has_scores = policy.has_scores or policy.task == "regression"
        of_scores = (policy.score,) if policy.task == "text" else layout.score_columns
        for column in (*policy.scores, *policy.predictions, *of_scores) if has_scores else ():
            _check_use(layout, session, (role, column), column_types.VECTOR if has_vector else column_types.SCORE)
        if policy.task == "text":
            _check_use(layout, session, (role, policy.prediction), column_types.LABELS["text"])
        if policy.query:
            _check_use(layout, session, (role, policy.query), column_types.KEY)
        if policy.time and layout.has(role, policy.time) and not layout.is_partition_time(role):
            _check_use(layout, session, (role, policy.time), _time_use(policy))
        if policy.task in CLASS_TASKS and policy.prediction:
            _check_use(layout, session, (role, policy.prediction), column_types.DECISION)
            _check_classes(layout, session, role, policy.prediction)
    for role in layout.label_roles:
        _check_use(layout, session, (role, policy.label), column_types.LABELS[policy.task])
        _check_classes(layout, session, role, policy.label)


def _time_use(policy: Regression) -> ColumnUse:
    return column_types.NUMERIC_TIME if policy.time_unit else column_types.TIME


def _check_use(layout: Layout, session: Session, role_and_column: tuple[str, str], use: ColumnUse) -> None:
    role, column = role_and_column
    duckdb_type, actual = layout.type_of(role, column), layout.actual_name(role, column)
    if type_kind(duckdb_type) not in use.kinds:
        raise DataError(
            f'{session.display_name(role)}: column "{actual}" of type {duckdb_type} cannot be {use.description}',
            hint=use.hint,
        )


def _check_classes(layout: Layout, session: Session, role: str, column: str) -> None:
    is_text = type_kind(layout.type_of(role, column)) == "text"
    if layout.policy.task == "binary" and is_text and not layout.policy.classes:
        raise DataError(
            f'{session.display_name(role)}: column "{layout.actual_name(role, column)}" is text, and the policy does '
            "not define which value is positive",
            hint="name the negative class, then the positive: `classes: [no, yes]` in the policy's `regression`",
        )


def used_columns(layout: Layout, role: str) -> set[str]:
    """Return the names, in the artifact of a role, of the columns that the policy names or that its metrics read."""
    policy = layout.policy
    columns = [*policy.key, *_prediction_columns(layout), *_attribute_columns(layout), policy.label]
    columns += [target.label for target in policy.targets]
    columns += [policy.weight] if role in layout.weight_roles else []
    columns += [*policy.changed.show, *(columns_of_metrics(policy) if policy.metrics else ())]
    return {layout.actual_name(role, column) for column in columns if column}


def _schema_facts(layout: Layout, set_aside: tuple[str, ...]) -> SchemaFacts:
    policy = layout.policy
    compared = [c for c in (*_prediction_columns(layout), *_attribute_columns(layout)) if c]
    compared += [policy.label] if len(layout.label_roles) == 2 else []
    on_both_sides = [c for c in dict.fromkeys(compared) if all(layout.has(role, c) for role in SIDES)]
    pairs = {column: (layout.type_of(SIDES[0], column), layout.type_of(SIDES[1], column)) for column in on_both_sides}
    labels_on_both_sides = len(layout.label_roles) == 2
    mismatched_labels = [
        c for c in pairs if c == policy.label and labels_on_both_sides and _incomparable_labels(*pairs[c])
    ]
    retyped = [c for c, pair in pairs.items() if pair[0] != pair[1] and c not in mismatched_labels]
    kinds = {c: (_kind_with_zone(pairs[c][0]), _kind_with_zone(pairs[c][1])) for c in retyped}
    # Numbers and booleans are compared as classes, so the type of a label or a decision does not matter.
    classes = (policy.label, policy.prediction) if policy.task in CLASS_TASKS else ()
    harmless = {
        c for c in retyped if kinds[c][0] == kinds[c][1] or (c in classes and set(kinds[c]) <= _CLASS_NUMBER_KINDS)
    }
    used = {*policy.key, *compared, *(name for name in (policy.label, policy.weight) if name)}
    return SchemaFacts(
        columns=len(used),
        mismatched_keys=tuple(_mismatched_keys(layout)),
        mismatched_labels=tuple(_difference(c, pairs[c]) for c in mismatched_labels),
        different_kinds=tuple(_difference(c, pairs[c]) for c in retyped if c not in harmless),
        widths=tuple(_difference(c, pairs[c]) for c in retyped if c in harmless),
        naive_times=tuple(f"{_quoted(policy.time)} ({role})" for role in SIDES if _has_naive_time(layout, role)),
        single_precision=any(layout.type_of(r, c).startswith("FLOAT") for r in SIDES for c in layout.score_columns),
        unused=tuple(_unused_one_sided(layout, used)),
        set_aside=set_aside,
        one_sided=tuple(
            f"{_quoted(column)} ({role})"
            for column in policy.features
            for role, other in (SIDES, SIDES[::-1])
            if layout.has(role, column) and not layout.has(other, column)
        ),
    )


def _unused_one_sided(layout: Layout, used: set[str]) -> list[str]:
    """Return the columns that only one side has and that have no role."""
    types = layout.types
    used_names = {role: {layout.actual_name(role, column) for column in used} for role in SIDES}
    return [
        f"{_quoted(column)} ({role})"
        for role, other in (SIDES, SIDES[::-1])
        for column in types[role]
        if column not in types[other] and column not in used_names[role]
    ]


def _mismatched_keys(layout: Layout) -> list[str]:
    return [
        f"{_quoted(column)} is {layout.type_of('baseline', column)} in the baseline and {layout.type_of(role, column)} "
        f"in the {role}"
        for role in layout.types
        if role != "baseline"
        for column in (*layout.policy.key, *([layout.policy.query] if layout.policy.query and role in SIDES else []))
        if type_kind(layout.type_of("baseline", column)) != type_kind(layout.type_of(role, column))
        and not layout.common_type(column)
    ]


def _has_naive_time(layout: Layout, role: str) -> bool:
    column = layout.policy.time
    return bool(column) and layout.has(role, column) and _kind_with_zone(layout.type_of(role, column)) == "time"


def _kind_with_zone(duckdb_type: str) -> str:
    return "time with a zone" if duckdb_type in ZONED_TIMES else type_kind(duckdb_type)


def _incomparable_labels(first: str, second: str) -> bool:
    """Return True for types of labels that only a cast could compare: text and any other kind."""
    return (type_kind(first) == "text") != (type_kind(second) == "text")


def _difference(column: str, types: tuple[str, str]) -> str:
    return f"{_quoted(column)} is {types[0]} in the baseline and {types[1]} in the candidate"


def _quoted(column: str) -> str:
    return f'"{column}"'
