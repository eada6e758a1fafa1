"""Spellings of a JSON value: other bytes, the same value."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.synthetic.ask import Numbers, Spelling
from ghmlops.core.synthetic.spelling import encode, respelled

ROW = {"a": 1, "b": [2.5, -3, 1e-7, True, None], "c": {"d": "\u00e9", "e": 0}}


def test_examples() -> None:
    """Keys, numbers and an additional key, as they are written."""
    assert encode(ROW) == '{"a":1,"b":[2.5,-3,1e-07,true,null],"c":{"d":"é","e":0}}'.encode()
    decimal = encode(ROW, Spelling(numbers=Numbers.DECIMAL))
    assert decimal == '{"a":1.0,"b":[2.50,-3.0,1e-07,true,null],"c":{"d":"é","e":0.0}}'.encode()
    exponent = encode(ROW, Spelling(numbers=Numbers.EXPONENT))
    assert exponent == '{"a":1e0,"b":[25e-1,-3e0,1e-07,true,null],"c":{"d":"é","e":0e0}}'.encode()
    assert encode(ROW, Spelling(reverse_keys=True)).startswith(b'{"c":{"e":0')
    assert json.loads(encode(ROW, Spelling(extra="x")))["x"] == "ghmlops"


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_a_number_keeps_its_value(value: float) -> None:
    """Every spelling of a number is read back as the same number."""
    for numbers in Numbers:
        assert json.loads(encode([value], Spelling(numbers=numbers)))[0] == value or math.isinf(value)


def test_a_body_that_is_not_json_stays() -> None:
    """Only JSON has spellings."""
    assert respelled(b"a=1&b=2", Spelling(reverse_keys=True)) == b"a=1&b=2"
