"""Reads the section `synthetic`."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from ghmlops.core import quantities
from ghmlops.core.errors import nearest
from ghmlops.core.policy.before_traffic.expect import EXPECTATIONS
from ghmlops.core.policy.before_traffic.synthetic import (
    BUILT_IN,
    DECLARED,
    TRENDS,
    VALUE_TYPES,
    WHOLE_ANSWER,
    Assertion,
    BatchSettings,
    Rescale,
    Scalar,
    Schemathesis,
    Synthetic,
)
from ghmlops.core.policyfile.scalars import SECONDS, path, positive_count
from ghmlops.core.policyfile.yaml_reader import Located, entries, listing, one_of, record, scalar, table, text

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BATCH = 1024
MAX_CONNECTIONS = 64
MAX_EXAMPLES = 10_000
_CHECK = re.compile(r"[a-z_]{1,60}")
NUMBER = scalar(quantities.number)
_MIN_REQUESTS = 300
"""Fewer leave no requests for re-asking, so that nothing could be proven."""


def read_synthetic(at: Located) -> Synthetic:
    """Read the section `synthetic`.

    Raises:
        PolicyError: A value is malformed or out of its range.
    """
    return _SECTION(at)


def _section(**values: Any) -> Synthetic:  # noqa: ANN401  (fields of the section)
    """Return the section; the keys `from` and `assert` are words of Python, and `relations` fills several fields."""
    values |= values.pop("relations", {})
    for key, field in (("from", "payloads"), ("assert", "assertions")):
        if key in values:
            values[field] = values.pop(key)
    return Synthetic(**values)


def _requests(at: Located) -> int:
    count = positive_count(at)
    if not _MIN_REQUESTS <= count <= 100_000:
        raise at.error(f"expected {_MIN_REQUESTS} to 100000 requests")
    return count


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("expected the path of a field")
    return name


def _value(at: Located) -> Scalar:
    """Read a JSON scalar; text that is no JSON scalar is itself."""
    if at.value is None:
        return None
    word = text(at)
    try:
        value = json.loads(word, parse_constant=str)
    except (ValueError, RecursionError):
        return word
    return word if isinstance(value, list | dict) else value


def _range(at: Located) -> tuple[float, float]:
    values = listing(NUMBER)(at)
    if len(values) != 2 or not values[0] < values[1]:
        raise at.error("expected two numbers, the smaller one first", "for example `[0, 1]`")
    return values[0], values[1]


def _factor(at: Located) -> float:
    value = NUMBER(at)
    if value == 0 or not math.isfinite(value):
        raise at.error("expected a factor other than 0")
    return value


def _sizes(at: Located) -> tuple[int, ...]:
    sizes = tuple(size for size in listing(positive_count)(at) if size > 1)
    if not sizes or max(sizes) > MAX_BATCH:
        raise at.error(f"expected a size from 2 to {MAX_BATCH}", "for example `[8, 64]`")
    return sizes


def _connections(at: Located) -> int:
    count = positive_count(at)
    if not 2 <= count <= MAX_CONNECTIONS:
        raise at.error(f"expected 2 to {MAX_CONNECTIONS} connections")
    return count


def _tolerance(at: Located) -> float | None:
    if at.value == "auto":
        return None
    value = NUMBER(at)
    if value < 0:
        raise at.error("expected `auto` or a number of at least 0")
    return value


def _relations(at: Located) -> dict[str, Any]:
    """Read the mapping of relations: `off`, or the settings of each."""
    fields: dict[str, Any] = {}
    off: list[str] = []
    for name, value in entries(at).items():
        if name not in (*BUILT_IN, *DECLARED):
            raise value.error(f"unknown relation `{name}`", nearest(name, (*BUILT_IN, *DECLARED)))
        if value.value == "off":
            if name in DECLARED:
                raise value.error("a relation about declared fields is off without its fields", "remove the key")
            off.append(name)
        elif name in _SETTINGS:
            fields |= _SETTINGS[name](value)
        elif value.value != {}:
            raise value.error("this relation has no settings", "write `{}`, or `off`")
    return {**fields, "off": tuple(off)}


def _assertions(at: Located) -> dict[str, Assertion]:
    assertions: dict[str, Assertion] = table(_name, _ASSERTION)(at)
    for name, assertion in assertions.items():
        if assertion.latency is not None and name != WHOLE_ANSWER:
            raise at.error(f"`latency` is about the whole answer, not about `{name}`", "write `$: {latency: 500ms}`")
    return assertions


def _examples(at: Located) -> int:
    count = positive_count(at)
    if count > MAX_EXAMPLES:
        raise at.error(f"expected at most {MAX_EXAMPLES} examples")
    return count


def _check(at: Located) -> str:
    value = text(at)
    if not _CHECK.fullmatch(value):
        raise at.error("expected the name of a check of Schemathesis", "for example `not_a_server_error`")
    return value


def _fields(field: str, read: Callable[[Located], Any]) -> Callable[[Located], dict[str, Any]]:
    """Make a reader of `{fields: ...}` that fills one field of the section."""
    return record(lambda fields: {field: fields}, {"fields": read}, required=("fields",))


_RESCALE = record(Rescale, {"factor": _factor, "rename": text, "set": table(_name, _value)}, required=("factor",))
_SETTINGS: dict[str, Callable[[Located], dict[str, Any]]] = {
    "batch": lambda at: {
        "batch": record(
            BatchSettings,
            {"sizes": _sizes, "path": path, "instances": lambda key: key.value if key.value == "" else text(key)},
        )(at)
    },
    "under-load": record(lambda connections=8: {"connections": connections}, {"connections": _connections}),
    "absent": _fields("absent", table(_name, _value)),
    "invariant": _fields("invariant", listing(text)),
    "monotone": _fields("monotone", table(_name, one_of(*TRENDS))),
    "rescaled": _fields("rescaled", table(_name, _RESCALE)),
}
_ASSERTION = record(Assertion, {"range": _range, "sum": NUMBER, "type": one_of(*VALUE_TYPES), "latency": SECONDS})
_SCHEMATHESIS = record(
    Schemathesis,
    {"schema": text, "examples": _examples, "exclude-checks": listing(_check), "budget": SECONDS},
    required=("schema",),
)
_SECTION: Callable[[Located], Synthetic] = record(
    _section,
    {
        "from": text,
        "requests": _requests,
        "expect": one_of(*EXPECTATIONS),
        "relations": _relations,
        "score": text,
        "ranges": table(_name, _range),
        "assert": _assertions,
        "ignore": listing(text),
        "tolerance": _tolerance,
        "private": listing(text),
        "cases": listing(text),
        "budget": SECONDS,
        "schemathesis": _SCHEMATHESIS,
    },
)
