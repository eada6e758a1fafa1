"""The fields of a row: the values of a JSON value that are not objects or lists, each with its path.

A path is written as in the rest of the policy: `applicant.age`, `instances[0].income`. A key that contains a dot, a
bracket or a quote is written as a JSON string: `"a.b".c`.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

Json = Any
"""A decoded JSON value."""
Steps = tuple[str | int, ...]
"""Keys and indices that lead to a field."""
MAX_FIELDS = 200
"""Fields per row that are profiled and varied; further ones keep the value of the resampled row."""
MAX_DEPTH = 20
_STEP = re.compile(r'\.?("(?:[^"\\]|\\.)*"|[^.\[\]"]+)|\[(\d+)\]')
_PLAIN = re.compile(r'[^.\[\]"]+')


def as_float(value: float | Fraction) -> float:
    """Return a number as a float; an integer beyond every float, which JSON allows, is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def fields_of(value: Json) -> dict[str, Json]:
    """Return the fields of a value by path, in their order; an empty list or object is a field."""
    result: dict[str, Json] = {}
    for steps, leaf in _walk(value, (), 0):
        if len(result) == MAX_FIELDS:
            break
        result[path_of(steps)] = leaf
    return result


def _walk(value: Json, steps: Steps, depth: int) -> Iterator[tuple[Steps, Json]]:
    if value and isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            yield from _walk(inner, (*steps, key), depth + 1)
    elif value and isinstance(value, list) and depth < MAX_DEPTH:
        for index, inner in enumerate(value):
            yield from _walk(inner, (*steps, index), depth + 1)
    else:
        yield steps, value


def path_of(steps: Steps) -> str:
    """Return the text of a path."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            name = step if _PLAIN.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{name}" if text else name
    return text


def steps_of(path: str) -> Steps:
    """Return the steps of the text of a path.

    Raises:
        ValueError: The text is not a path.
    """
    steps: list[str | int] = []
    end = 0
    for match in _STEP.finditer(path):
        if match.start() != end:
            break
        end = match.end()
        name, index = match[1], match[2]
        steps.append(int(index) if index is not None else json.loads(name) if name.startswith('"') else name)
    if end != len(path) or not steps:
        raise ValueError(f'"{path}" is not a path such as `applicant.age` or `instances[0].income`')
    return tuple(steps)


def check_path(path: str) -> None:
    """Check that a text that somebody wrote is a path.

    Raises:
        ValueError: It is not; the message is one bounded line.
    """
    try:
        steps_of(path)
    except (ValueError, RecursionError):
        text = json.dumps(path[:80])
        raise ValueError(f"{text} is not a path such as `applicant.age` or `instances[0].income`") from None


def get(value: Json, path: str) -> tuple[bool, Json]:
    """Return whether the value has the field, and its value."""
    for step in steps_of(path) if path else ():
        if not _has(value, step):
            return False, None
        value = value[step]
    return True, value


def _has(value: Json, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def replaced(value: Json, path: str, new: Json) -> Json:
    """Return the value with one field replaced, or added to an existing object; lists keep their length."""
    return _edit(value, steps_of(path) if path else (), new, remove=False)


def removed(value: Json, path: str) -> Json:
    """Return the value without one key of an object; an element of a list is not removed."""
    return _edit(value, steps_of(path), None, remove=True)


def _edit(value: Json, steps: Steps, new: Json, *, remove: bool) -> Json:
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(step, str) and isinstance(value, dict):
        if rest:
            return {
                key: _edit(inner, rest, new, remove=remove) if key == step else inner for key, inner in value.items()
            }
        if remove:
            return {key: inner for key, inner in value.items() if key != step}
        return {**value, step: new}
    if isinstance(step, int) and isinstance(value, list) and step < len(value) and (rest or not remove):
        return [_edit(inner, rest, new, remove=remove) if index == step else inner for index, inner in enumerate(value)]
    return value
