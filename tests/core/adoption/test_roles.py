"""Roles of columns from names, types and counts."""

from __future__ import annotations

import pytest

from ghmlops.core.adoption.facts import Column, Kind, Table
from ghmlops.core.adoption.roles import MAX_SLICE_VALUES, Roles, derive

ROWS = 1000


def column(name: str, kind: Kind, distinct: int = 500, **rest: object) -> Column:
    """Return the facts about a column."""
    return Column(name=name, kind=kind, distinct=distinct, **rest)  # type: ignore[arg-type]


def table(*columns: Column) -> Table:
    """Return a table with a key."""
    return Table(path="p.parquet", rows=ROWS, columns=(column("user_id", "integer", ROWS), *columns))


FLAG = column("label", "integer", 2, values=("0", "1"), low=0.0, high=1.0)
NAMES = column("label", "text", 3, values=("a", "b", "c"))
SHARE = column("score", "number", 900, low=0.1, high=0.9)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((FLAG, SHARE), Roles(task="binary", label="label", score=("score",))),
        ((FLAG, column("prediction", "integer", 2)), Roles(task="binary", label="label", prediction="prediction")),
        (
            (column("clicked_label", "text", 2, values=("no", "yes")), SHARE),
            Roles(task="binary", label="clicked_label", score=("score",), classes=("no", "yes")),
        ),
        (
            (NAMES, column("probs", "vector", -1, length=3)),
            Roles(task="multiclass", label="label", score=("probs",), classes=("a", "b", "c")),
        ),
        (
            (NAMES, *(column(f"p_{c}", "number", low=0.0, high=1.0) for c in "cab")),
            Roles(task="multiclass", label="label", score=("p_a", "p_b", "p_c"), classes=("a", "b", "c")),
        ),
        (
            (column("y_true", "number", 700, low=-3.0, high=9.0), column("y_pred", "number")),
            Roles(task="regression", label="y_true", prediction="y_pred"),
        ),
        (
            (column("query_id", "integer", 50), column("label", "integer", 5), SHARE),
            Roles(task="ranking", label="label", score=("score",), query="query_id"),
        ),
        ((column("scores", "vector", -1, length=64),), Roles(task="embedding", score=("scores",))),
    ],
)
def test_tasks(columns: tuple[Column, ...], expected: Roles) -> None:
    """Each task follows from label, score and prediction; the unique column is the key."""
    roles = derive(table(*columns), Roles())
    assert roles.key == ("user_id",)
    assert (roles.task, roles.label, roles.score, roles.prediction) == (
        expected.task,
        expected.label,
        expected.score,
        expected.prediction,
    )
    assert (roles.query, roles.classes) == (expected.query, expected.classes)


def test_time_and_slices() -> None:
    """The timestamp is the time; columns with few values are slices, fewest values first."""
    many = column("zip", "text", MAX_SLICE_VALUES + 1)
    roles = derive(
        table(FLAG, SHARE, column("at", "time"), column("country", "text", 9), column("device", "text", 3), many),
        Roles(),
    )
    assert (roles.time, roles.slices) == ("at", ("device", "country"))


@pytest.mark.parametrize(
    "key",
    [column("id", "integer", ROWS - 1), column("id", "integer", ROWS, nulls=1), column("id", "number", ROWS)],
)
def test_no_key(key: Column) -> None:
    """A column with repeated values, nulls or fractions identifies no row."""
    assert derive(Table(path="p", rows=ROWS, columns=(key, FLAG, SHARE)), Roles()).key == ()


def test_stated_roles_win() -> None:
    """What the user states is not derived."""
    stated = Roles(task="regression", key=("a", "b"), label="label", prediction="score", slices=("x",))
    roles = derive(table(FLAG, SHARE), stated)
    assert (roles.task, roles.key, roles.prediction, roles.slices) == ("regression", ("a", "b"), "score", ("x",))
