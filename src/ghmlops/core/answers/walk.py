"""Walks two JSON trees by path and returns their differences as values.

A path names every element of a list alike (`$.items[].score`), so that lists of any length share their paths. Lists of
objects are matched by a key: the declared one, or `id` if every element has a different one and both lists share one
(ids that differ in each answer say nothing); lists of scalars are matched as multisets if only their order differs.
Everything else is matched by position.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import StrEnum
from typing import NamedTuple

from ghmlops.core.answers.body import Constant, Json
from ghmlops.core.answers.rules import Rules
from ghmlops.core.answers.stream import changed_words

MAX_TEXT = 80
"""Characters of a value that an example shows."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ABSENT = object()
_DEFAULT_KEY = "id"
Scalar = str | int | float | bool | None


class Aspect(StrEnum):
    """What differs at a path: the value; its type, presence or number of elements; or only the order of a list."""

    VALUE = "value"
    SHAPE = "shape"
    ORDER = "order"


class Place(NamedTuple):
    """A path and an aspect: the unit in which differences are counted."""

    path: str
    aspect: Aspect


class Difference(NamedTuple):
    """A difference: |left - right| of two numbers, otherwise infinite; and both sides as bounded text."""

    distance: float
    left: str
    right: str


Differences = dict[Place, Difference]
NO_RULES = Rules()


def differences(left: Json, right: Json, rules: Rules = NO_RULES) -> Differences:
    """Return the differences of two values, the largest per place; empty if they are equal.

    A number equals a number of the same value, whatever its notation (1, 1.0); `true` is no number.

    Args:
        left: a parsed value, see `body.parse_body`.
        right: the other value.
        rules: ignored paths, keys of lists and tolerances.
    """
    result: Differences = {}
    _walk(left, right, "$", rules, result)
    return result


def kind_name(value: Json) -> str:
    """Return the JSON type of a value; a bare NaN or Infinity is `not a number`."""
    if isinstance(value, Constant):
        return "not a number"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number", list: "list", dict: "object"}[type(value)]


def value_text(value: Json) -> str:
    """Return a value as bounded text for an example."""
    if isinstance(value, dict | list):
        return f"{kind_name(value)} of {len(value)}"
    text = f'"{value[: MAX_TEXT + 1]}"' if type(value) is str else _literal(value)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def child(path: str, name: str) -> str:
    """Return the path of a field; a name that is not plain is quoted and bounded."""
    if _PLAIN.fullmatch(name):
        return f"{path}.{name}"
    escaped = name[:64].replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}["{escaped}"]'


def _literal(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.value) if isinstance(value, Constant) else _number_text(value)


def _number_text(value: float) -> str:
    # Python refuses to write integers of more than 4,300 digits.
    return "a very large integer" if type(value) is int and abs(value) >= 10**40 else repr(value)


def _note(result: Differences, place: Place, difference: Difference) -> None:
    if place not in result or difference.distance > result[place].distance:
        result[place] = difference


def _walk(left: Json, right: Json, path: str, rules: Rules, result: Differences) -> None:
    kind = type(left)
    if kind is type(right):
        if kind is dict:
            _walk_objects(left, right, path, rules, result)
        elif kind is list:
            _walk_lists(left, right, path, rules, result)
        elif left != right:
            _note_value(left, right, path, rules, result)
    elif kind in (int, float) and type(right) in (int, float):
        if left != right:
            _note_value(left, right, path, rules, result)
    elif path not in rules.ignore:
        _note(result, Place(path, Aspect.SHAPE), Difference(math.inf, _typed(left), _typed(right)))


def _typed(value: Json) -> str:
    return "absent" if value is _ABSENT else kind_name(value)


def _note_value(left: Json, right: Json, path: str, rules: Rules, result: Differences) -> None:
    if path in rules.ignore:
        return
    distance = math.inf
    if type(left) is str and path in rules.words and changed_words(left, right) <= rules.words[path]:
        return
    if type(left) in (int, float):
        try:
            distance = abs(float(left) - float(right))
        except OverflowError:
            distance = math.inf
        if distance <= rules.tolerances.get(path, 0.0):
            # Integers that no float can tell apart still differ.
            if path in rules.tolerances:
                return
            distance = math.ulp(0.0)
    _note(result, Place(path, Aspect.VALUE), Difference(distance, value_text(left), value_text(right)))


def _walk_objects(left: dict[str, Json], right: dict[str, Json], path: str, rules: Rules, result: Differences) -> None:
    if rules.ignore and path in rules.ignore:
        return
    for name, value in left.items():
        other = right.get(name, _ABSENT)
        kind = type(value)
        if kind is type(other) and kind is not dict and kind is not list and value == other:
            continue
        _walk(value, other, child(path, name), rules, result)
    if len(right) != len(left) or right.keys() != left.keys():
        for name, value in right.items():
            if name not in left:
                _walk(_ABSENT, value, child(path, name), rules, result)


def _walk_lists(left: list[Json], right: list[Json], path: str, rules: Rules, result: Differences) -> None:
    if rules.ignore and path in rules.ignore:
        return
    key = rules.keys.get(path)
    name = key or _DEFAULT_KEY
    moved = _has_field(left, name) and _fields(left, name) != _fields(right, name)
    if moved and _keyed(left, name) and _keyed(right, name) and (key or _share_any(left, right, name)):
        _walk_matched(left, right, path, (name, key is not None), rules, result)
        return
    if len(left) != len(right):
        lengths = Difference(math.inf, f"list of {len(left)}", f"list of {len(right)}")
        _note(result, Place(path, Aspect.SHAPE), lengths)
    elif _only_order_differs(left, right):
        if key is None:
            _note(result, Place(path, Aspect.ORDER), Difference(math.inf, value_text(left[0]), value_text(right[0])))
        return
    below = f"{path}[]"
    for one, other in zip(left, right, strict=False):
        _walk(one, other, below, rules, result)


def _has_field(elements: list[Json], name: str) -> bool:
    return bool(elements) and type(elements[0]) is dict and name in elements[0]


def _fields(elements: list[Json], name: str) -> list[Json]:
    """Return the field of each element; in the same order on both sides, elements are matched by position."""
    return [element.get(name) if type(element) is dict else None for element in elements]


def _keyed(elements: list[Json], name: str) -> bool:
    """Return whether the elements are objects with a different scalar in the field `name`."""
    keys = {_scalar_key(value) for value in _fields(elements, name)}
    return len(keys) == len(elements) and None not in keys


def _share_any(left: list[Json], right: list[Json], name: str) -> bool:
    keys = {_scalar_key(value) for value in _fields(left, name)}
    return any(_scalar_key(value) in keys for value in _fields(right, name))


def _scalar_key(value: Json) -> tuple[str, Scalar] | None:
    return None if value is None or isinstance(value, dict | list) else (kind_name(value), value)


def _walk_matched(  # noqa: PLR0913, PLR0917  (both sides, where, how they are matched)
    left: list[Json], right: list[Json], path: str, key: tuple[str, bool], rules: Rules, result: Differences
) -> None:
    """Compare two lists of objects whose elements are matched by a field."""
    name, declared = key
    of_left = {_scalar_key(element[name]): element for element in left}
    of_right = {_scalar_key(element[name]): element for element in right}
    below = f"{path}[]"
    for identity, element in of_left.items():
        other = of_right.get(identity, _ABSENT)
        if other is not _ABSENT:
            _walk(element, other, below, rules, result)
    if of_left.keys() != of_right.keys():
        # The keys themselves may be private, although the path of the list is not.
        missing, extra = len(of_left.keys() - of_right.keys()), len(of_right.keys() - of_left.keys())
        note = Difference(math.inf, f"{missing} elements of its own", f"{extra} elements of its own")
        # Other elements are another value of the list; another number of elements is another shape.
        aspect = Aspect.VALUE if len(left) == len(right) else Aspect.SHAPE
        _note(result, Place(path, aspect), note)
    elif not declared and list(of_left) != list(of_right):
        _note(result, Place(path, Aspect.ORDER), Difference(math.inf, f"order by {name}", "another order"))


def _only_order_differs(left: list[Json], right: list[Json]) -> bool:
    """Return whether two lists of scalars of equal length hold the same elements in another order."""
    for elements in (left, right):
        if not all(type(element) in (str, int) for element in elements):
            return False
    return left != right and Counter(left) == Counter(right)


def leaves(value: Json, maximum: int) -> dict[str, Scalar]:
    """Return the scalars of a value by path, with the index of each element: `$.items[0].score`.

    Args:
        value: a parsed value.
        maximum: number of leaves at which the rest is left out.
    """
    result: dict[str, Scalar] = {}
    stack: list[tuple[str, Json]] = [("$", value)]
    while stack and len(result) < maximum:
        path, node = stack.pop()
        if isinstance(node, dict):
            stack += [(child(path, name), below) for name, below in reversed(node.items())]
        elif isinstance(node, list):
            stack += [(f"{path}[{index}]", node[index]) for index in reversed(range(len(node)))]
        else:
            result[path] = None if isinstance(node, Constant) else node
    return result
