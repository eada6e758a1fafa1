"""The walk over two JSON trees."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from core.answers.test_body import VALUES
from ghmlops.core.answers.body import Constant
from ghmlops.core.answers.rules import Rules, make_rules
from ghmlops.core.answers.walk import Aspect, Difference, Place, differences, leaves, value_text

VALUE, SHAPE, ORDER = Aspect.VALUE, Aspect.SHAPE, Aspect.ORDER
A = {"id": 1, "s": 0.5}
B = {"id": 2, "s": 0.25}


@pytest.mark.parametrize(
    ("left", "right", "places"),
    [
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {"a": 3}, {("$.a", VALUE): 2.0}),
        ({"a": "x"}, {"a": "y"}, {("$.a", VALUE): math.inf}),
        ({"a": 1}, {"a": True}, {("$.a", SHAPE): math.inf}),
        ({"a": 1}, {"a": "1"}, {("$.a", SHAPE): math.inf}),
        ({"a": 1}, {"a": None}, {("$.a", SHAPE): math.inf}),
        ({"a": 1}, {}, {("$.a", SHAPE): math.inf}),
        ({}, {"a.b": 1}, {('$["a.b"]', SHAPE): math.inf}),
        ({"a": {"b": 1}}, {"a": [1]}, {("$.a", SHAPE): math.inf}),
        ([1, 2], [1, 5], {("$[]", VALUE): 3.0}),
        ([1, 2], [1], {("$", SHAPE): math.inf}),
        ([1, 2], [2, 1], {("$", ORDER): math.inf}),
        ([0.5, 0.25], [0.25, 0.5], {("$[]", VALUE): 0.25}),
        ([A, B], [B, A], {("$", ORDER): math.inf}),
        ([A, B], [B, {**A, "s": 0.0}], {("$", ORDER): math.inf, ("$[].s", VALUE): 0.5}),
        ([A], [B], {("$[].id", VALUE): 1.0, ("$[].s", VALUE): 0.25}),
        ([A, B], [B, {"id": 3, "s": 0.5}], {("$", VALUE): math.inf}),
        ([A], [A, B], {("$", SHAPE): math.inf}),
        ([A, A], [A, B], {("$[].id", VALUE): 1.0, ("$[].s", VALUE): 0.25}),
        ({"a": Constant.NAN}, {"a": Constant.NAN}, {}),
        ({"a": Constant.NAN}, {"a": 1.0}, {("$.a", SHAPE): math.inf}),
        (2**60, 2**60 + 1, {("$", VALUE): math.ulp(0.0)}),
        (10**400, 10**401, {("$", VALUE): math.inf}),
    ],
)
def test_differences_by_place(left: object, right: object, places: dict[tuple[str, Aspect], float]) -> None:
    """Each difference has a path, an aspect and a distance, the largest of each place; the reverse has the same."""
    expected = {Place(*place): distance for place, distance in places.items()}
    assert {place: d.distance for place, d in differences(left, right).items()} == expected
    assert {place: d.distance for place, d in differences(right, left).items()} == expected


def test_declared_keys_match_elements_and_ignore_their_order() -> None:
    """A list whose elements have a declared key is a set."""
    left, right = {"items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]}, {"items": [{"sku": "b", "n": 2}]}
    rules = make_rules(keys={"items": "sku"})
    assert differences(left, {"items": left["items"][::-1]}, rules) == {}
    assert list(differences(left, right, rules)) == [Place("$.items", SHAPE)]


def test_random_ids_do_not_hide_what_they_name() -> None:
    """Calls of tools have other ids in each answer: they are matched by position, and their arguments are compared."""

    def answer(run: int, amount: int) -> Any:
        calls = [{"id": f"call_{run}{i}", "function": {"name": "pay", "arguments": amount + i}} for i in range(2)]
        return {"message": {"tool_calls": calls}}

    noise, change = differences(answer(1, 5), answer(2, 5)), differences(answer(1, 5), answer(3, 9))
    assert set(noise) == {Place("$.message.tool_calls[].id", VALUE)}
    assert set(change) - set(noise) == {Place("$.message.tool_calls[].function.arguments", VALUE)}
    declared = make_rules(keys={"message.tool_calls": "id"})
    assert set(differences(answer(1, 5), answer(2, 5), declared)) == {Place("$.message.tool_calls", VALUE)}


def test_ignored_paths_include_everything_below() -> None:
    """A field that the policy ignores may change, vanish or become an object."""
    rules = Rules(ignore=frozenset({"$.meta", "$.items[].at"}))
    left: dict[str, Any] = {"meta": {"time": 1}, "items": [{"at": 1, "y": 1}]}
    for right in ({"meta": {"time": 2}, "items": [{"at": 2, "y": 1}]}, {"items": [{"y": 1}]}):
        assert differences(left, right, rules) == {}


def test_declared_tolerances_are_inclusive() -> None:
    """A difference of the size of the tolerance is equal, a larger one is not."""
    rules = Rules(tolerances={"$.s": 0.5})
    assert differences({"s": 1.0}, {"s": 1.5}, rules) == {}
    assert differences({"s": 1.0}, {"s": 1.6}, rules)


@pytest.mark.parametrize("tolerance", [0.5, 1.0, 1700.0, math.inf])
def test_a_tolerance_of_numbers_hides_no_text(tolerance: float) -> None:
    """Numbers and texts of a list share their path; what numbers may differ by says nothing about texts."""
    rules = Rules(tolerances={"$.rows[][]": tolerance})
    left, right = {"rows": [[1_850_000.5, "approve"]]}, {"rows": [[1_850_000.75, "deny"]]}
    assert differences(left, right, rules) == {Place("$.rows[][]", VALUE): Difference(math.inf, '"approve"', '"deny"')}


def test_a_share_of_words_hides_no_number() -> None:
    """The reverse: a path with words that may differ compares numbers exactly."""
    rules = Rules(words={"$[]": 0.5})
    assert differences(["a b", 1.0], ["a c", 1.0], rules) == {}
    assert differences(["a b", 1.0], ["a c", 1.25], rules)
    assert differences(["a b", 1.0], ["c d", 1.0], rules)


@given(VALUES)
def test_a_value_equals_its_copy(value: object) -> None:
    """No value differs from itself."""
    assert differences(value, json.loads(json.dumps(value))) == {}


@given(VALUES, VALUES)
def test_differences_are_symmetric(left: object, right: object) -> None:
    """Both directions find the same places with the same distances, and none only for equal values."""
    one, other = differences(left, right), differences(right, left)
    assert {p: d.distance for p, d in one.items()} == {p: d.distance for p, d in other.items()}
    assert bool(one) or left == right


def test_examples_are_bounded() -> None:
    """A huge value is value_text by its beginning, a tree by its size."""
    assert len(value_text("x" * 10**6)) <= 80
    assert value_text([1, 2]) == "list of 2"
    assert value_text(10**5000)


def test_leaves_have_concrete_paths_and_a_limit() -> None:
    """Scalars of an answer in order, at most the number asked for."""
    value = {"y": 1, "items": [{"s": 0.5}, {"s": Constant.NAN}]}
    assert leaves(value, 10) == {"$.y": 1, "$.items[0].s": 0.5, "$.items[1].s": None}
    assert len(leaves(list(range(1000)), 10)) == 10
