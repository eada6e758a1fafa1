"""Bodies of answers: every kind that a service can send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.answers.body import BARE_CONSTANT, DUPLICATE_KEY, MAX_DEPTH, BodyKind, Constant, parse_body

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", BodyKind.EMPTY),
        (b" \r\n", BodyKind.EMPTY),
        (b"<html>502 Bad Gateway</html>", BodyKind.NOT_JSON),
        (b'{"a": 1', BodyKind.NOT_JSON),
        (b"9" * 5000, BodyKind.NOT_JSON),
        (b'"\xff"', BodyKind.NOT_UTF8),
        (b'"\\ud800"', BodyKind.NOT_UTF8),
        (b"x" * 101, BodyKind.TOO_LARGE),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), BodyKind.TOO_LARGE),
        (b'{"a": 1}', BodyKind.JSON),
        (b'\xef\xbb\xbf{"a": 1}', BodyKind.JSON),
    ],
)
def test_each_kind_of_body_is_named(data: bytes, kind: BodyKind) -> None:
    """What is not JSON has a kind; none raises."""
    limit = 100 if kind is BodyKind.TOO_LARGE else 10_000
    assert parse_body(data, limit).kind is kind


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 100_000])
def test_deep_nesting_is_refused_before_it_is_parsed(depth: int) -> None:
    """No body can exhaust the stack; brackets inside a string do not count."""
    expected = BodyKind.JSON if depth <= MAX_DEPTH else BodyKind.TOO_DEEP
    assert parse_body(b"[" * depth + b"]" * depth).kind is expected
    assert parse_body(b'"' + b"[" * depth + b'"').kind is BodyKind.JSON


@pytest.mark.parametrize(
    ("data", "value", "flaws"),
    [
        (b'{"a": 1, "a": 2}', {"a": 2}, (DUPLICATE_KEY,)),
        (b'{"a": {"b:": 1, "b:": 1}}', {"a": {"b:": 1}}, (DUPLICATE_KEY,)),
        (b'{"a:": "b:", "c": 1}', {"a:": "b:", "c": 1}, ()),
        (b"[NaN]", [Constant.NAN], (BARE_CONSTANT,)),
        (b"[Infinity, -Infinity]", [Constant.INFINITY, Constant.NEGATIVE], (BARE_CONSTANT,)),
        (b"-1e999", Constant.NEGATIVE, (BARE_CONSTANT,)),
        (b'{"a": NaN, "a": NaN}', {"a": Constant.NAN}, (BARE_CONSTANT, DUPLICATE_KEY)),
        (b'"NaN"', "NaN", ()),
    ],
)
def test_flaws_of_json_are_named_and_the_value_is_known(data: bytes, value: object, flaws: tuple[str, ...]) -> None:
    """Duplicate keys and words that JSON lacks are flaws, not unreadable bodies."""
    body = parse_body(data)
    assert (body.value, body.flaws) == (value, flaws)
    assert type(body.value) is type(value)


@given(VALUES)
def test_every_json_value_is_read_back(value: object) -> None:
    """The fast and the slow parser agree with the standard library."""
    body = parse_body(json.dumps(value).encode())
    assert (body.kind, body.value, body.flaws) == (BodyKind.JSON, value, ())


@given(st.binary(max_size=60))
def test_no_bytes_raise(data: bytes) -> None:
    """Any bytes have a kind."""
    assert parse_body(data).kind in BodyKind
