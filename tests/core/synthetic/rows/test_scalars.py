"""Numbers and texts are within the limits of their schema, or the schema is refused in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.synthetic.rows.scalars import MAX_LENGTH, SchemaError, count, number, text
from ghmlops.core.synthetic.rows.stream import Stream

BEYOND = 10**400
"""An integer that no float can be."""


def numbers(schema: dict[str, Any], *, whole: bool = False) -> list[Any]:
    stream = Stream(1)
    return [number(schema, stream, "$.x", whole=whole) for _ in range(50)]


@pytest.mark.parametrize(
    ("schema", "low", "high"),
    [
        ({}, 0, 100),
        ({"maximum": -5}, -105, -5),
        ({"minimum": 1e300}, 1e300, 1e300 + 100),
        ({"minimum": -1.79e308, "maximum": 1.79e308}, -1.79e308, 1.79e308),
        ({"minimum": 1e-9, "maximum": 2e-9}, 1e-9, 2e-9),
        ({"exclusiveMinimum": 0, "maximum": 1e-7}, 5e-324, 1e-7),
        ({"minimum": 0, "exclusiveMinimum": True, "maximum": 5e-324}, 5e-324, 5e-324),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 1.0000001}, math.nextafter(1, 2), math.nextafter(1.0000001, 0)),
        ({"minimum": 3, "exclusiveMinimum": 1, "maximum": 3}, 3, 3),
        ({"minimum": 1, "exclusiveMinimum": 3, "maximum": 4}, math.nextafter(3, 4), 4),
        ({"multipleOf": 0.25, "minimum": 0.3, "maximum": 0.6}, 0.5, 0.5),
    ],
)
def test_numbers(schema: dict[str, Any], low: float, high: float) -> None:
    """Finite and within both limits, however narrow or wide the range is."""
    drawn = numbers(schema)
    assert all(low <= value <= high and type(value) is float for value in drawn)
    assert len(set(drawn)) > 1 or high - low < 1e-6 or low > 1e200


@pytest.mark.parametrize(
    ("schema", "legal"),
    [
        ({"minimum": 0.5, "maximum": 2.5}, {1, 2}),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 4.0}, {2, 3}),
        ({"exclusiveMinimum": 0.5, "exclusiveMaximum": 1.5}, {1}),
        ({"minimum": 2**63 - 1, "maximum": 2**63 - 1}, {2**63 - 1}),
        ({"minimum": -2, "exclusiveMinimum": True, "maximum": 0}, {-1, 0}),
        ({"minimum": 1, "maximum": 20, "multipleOf": 7}, {7, 14}),
        ({"minimum": 1, "maximum": 4, "multipleOf": 1.5}, {3}),
        ({"minimum": 1, "multipleOf": 1000, "maximum": 2999}, {1000, 2000}),
    ],
)
def test_whole_numbers(schema: dict[str, Any], legal: set[int]) -> None:
    """Every legal integer occurs, and no other; large ones are exact."""
    assert set(numbers(schema, whole=True)) == legal


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "schema",
    [
        {"minimum": math.nan},
        {"maximum": math.inf},
        {"exclusiveMinimum": -math.inf},
        {"minimum": BEYOND},
        {"maximum": "5"},
        {"minimum": True},
        {"exclusiveMaximum": []},
        {"multipleOf": 0},
        {"multipleOf": math.nan},
        {"minimum": 2, "maximum": 1},
        {"exclusiveMinimum": 1, "maximum": 1},
        {"minimum": 1, "exclusiveMaximum": True, "maximum": 1},
        {"multipleOf": 7, "minimum": 1, "maximum": 6},
    ],
)
def test_limits_that_no_number_meets(schema: dict[str, Any], whole: bool) -> None:
    """A limit that is no finite number is named; so is a range without a number."""
    with pytest.raises(SchemaError) as refused:
        numbers(schema, whole=whole)
    assert str(refused.value).startswith("$.x: ")
    assert len(str(refused.value)) < 200


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
def test_any_range(one: float, other: float, whole: bool) -> None:
    """Whatever the limits are, the number is within them; only a range of no integer is refused."""
    low, high = sorted((one, other))
    if whole and math.ceil(low) > math.floor(high):
        with pytest.raises(SchemaError):
            number({"minimum": low, "maximum": high}, Stream(1), "$", whole=True)
    else:
        assert low <= number({"minimum": low, "maximum": high}, Stream(1), "$", whole=whole) <= high


@pytest.mark.parametrize(
    ("schema", "least", "most"),
    [
        ({}, 1, 41),
        ({"maxLength": 0}, 0, 0),
        ({"minLength": 3, "maxLength": 5}, 3, 5),
        ({"minLength": MAX_LENGTH}, MAX_LENGTH, MAX_LENGTH + 40),
        ({"maxLength": BEYOND}, 1, 41),
    ],
)
def test_texts(schema: dict[str, Any], least: int, most: int) -> None:
    """Of a legal length."""
    stream = Stream(1)
    assert all(least <= len(text(schema, stream, "$")) <= most for _ in range(20))


@pytest.mark.parametrize(
    "schema", [{"minLength": MAX_LENGTH + 1}, {"minLength": BEYOND}, {"minLength": 5, "maxLength": 4}, {"pattern": "a"}]
)
def test_texts_that_are_not_generated(schema: dict[str, Any]) -> None:
    """Too long, of no length, or of a pattern."""
    with pytest.raises(SchemaError, match=r"^\$\.x: "):
        text(schema, Stream(1), "$.x")
    assert count({"minLength": -1}, "minLength", 7) == 7
