"""Every relation of the table, on rows to which it applies and on rows to which it does not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from generated_traffic_service import ROWS
from ghmlops.core.policy.before_traffic.synthetic import BUILT_IN, DECLARED, Assertion, Rescale, Synthetic
from ghmlops.core.synthetic.ask import Expected, FollowUp
from ghmlops.core.synthetic.relations.base import Context, Relation
from ghmlops.core.synthetic.relations.spelling.equal_instants import in_zone
from ghmlops.core.synthetic.relations.table import RELATIONS, active
from ghmlops.core.synthetic.rows.profile import profile_of
from ghmlops.core.synthetic.rows.stream import Stream

POLICY = Synthetic(
    expect="same",
    absent={"age": 40},
    invariant=("name",),
    monotone={"income": "up"},
    rescaled={"income": Rescale(factor=0.001, set={"unit": "thousand"})},
    assertions={"score": Assertion(range=(0, 1))},
)
PROFILE = profile_of(ROWS)


def build(relation: Relation, row: Any = None, index: int = 0, profile: Any = PROFILE) -> FollowUp | None:
    row = ROWS[1] if row is None else row
    others = ROWS[10:30]
    stream = Stream(1, index)
    return relation.build(
        Context(row=row, index=index, others=others, profile=profile, policy=POLICY, stream=stream, first=index < 3)
    )


def test_the_table_is_that_of_the_policy() -> None:
    """Every name of the policy is a relation; ids are unique; `off` and missing declarations leave a relation out."""
    ids = [relation.id for relation in RELATIONS]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {*BUILT_IN, *DECLARED, "answered", "asserted", "same-as-baseline"}
    plain = [relation.id for relation in active(Synthetic(off=("batch",)), compared=True)]
    assert plain == ["answered", *(name for name in BUILT_IN if name != "batch")]
    assert [r.id for r in active(POLICY, compared=True)] == ids
    assert "same-as-baseline" not in [r.id for r in active(POLICY, compared=False)]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.id)
@pytest.mark.parametrize("ends", [(-1.79e308, 1.79e308), (-(10**308), 10**308), (-(10**400), 1), (10**400, 1.5)])
def test_a_relation_copes_with_the_widest_numbers(relation: Relation, ends: tuple[float, float]) -> None:
    """No number leaves what JSON can write, whatever the payloads contain."""
    rows = [{**ROWS[1], "income": end} for end in ends]
    for index in range(6):
        follow_up = build(relation, rows[index % 2], index, profile_of(rows))
        if follow_up is not None:
            assert json.dumps(follow_up.ask.row, allow_nan=False)


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.id)
def test_a_relation_is_deterministic_and_changes_only_what_it_says(relation: Relation) -> None:
    """The same row and stream give the same request; only the fields that it names differ from the row."""
    for index in range(12):
        one, other = build(relation, index=index), build(relation, index=index)
        assert one == other
        if one is None or one.ask.literal is not None:
            continue
        source = one.source.row if one.source else ROWS[1]
        changed = {key for key in {*source, *one.ask.row} if source.get(key) != one.ask.row.get(key)}
        assert changed <= set(one.fields)
        assert relation.claim.endswith(".")


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.id)
def test_a_relation_without_its_precondition_builds_nothing_or_a_request(relation: Relation) -> None:
    """Rows without fields, scalars and lists never raise."""
    rows: tuple[Any, ...] = ({}, [], 5, "text", None, {"income": None}, {"a": {"b": [1]}})
    for row in rows:
        profile = profile_of([row])
        for index in range(7):
            build(relation, row={} if row is None else row, index=index, profile=profile)


def test_expectations() -> None:
    """Relations that are not about equal answers say so."""
    kinds = {r.id: one.expected for r in RELATIONS if (one := build(r)) is not None}
    assert {name: kind for name, kind in kinds.items() if kind is not Expected.SAME} == {
        "answered": Expected.SERVED,
        "unseen-category": Expected.NOT_CRASHED,
        "extreme-values": Expected.SERVED,
        "illegal-input": Expected.REFUSED,
        "monotone": Expected.NOT_LOWER,
        "asserted": Expected.ASSERTED,
    }


def test_illegal_bodies_are_illegal() -> None:
    """No literal body of `illegal-input` is an object of strict JSON."""
    relation = next(r for r in RELATIONS if r.id == "illegal-input")
    literals = [one.ask.literal for index in range(7) if (one := build(relation, index=index)) is not None]
    bodies = [body for body in literals if body is not None]
    assert len(bodies) == 5
    for body in bodies:
        try:
            value = json.loads(body, parse_constant=lambda _: 1 / 0)
        except (ValueError, ZeroDivisionError):
            continue
        assert not isinstance(value, dict)


@pytest.mark.parametrize(
    "text", ["2024-01-31T23:30:00Z", "2024-02-29T00:00:00.123+02:00", "1999-12-31T10:05Z", "0001-01-01T00:00:00Z"]
)
def test_an_instant_keeps_moment_and_precision(text: str) -> None:
    """The same moment in another zone; a date that no calendar has stays."""
    for hours in (-8, 5.5, 13):
        moved = in_zone(text, timedelta(hours=hours))
        assert datetime.fromisoformat(moved) == datetime.fromisoformat(text)
        assert (
            moved.count(":") - moved[-6:].count(":") == text.removesuffix("Z").partition("+")[0].count(":")
            or moved == text
        )
        assert (".123" in moved) is (".123" in text)
