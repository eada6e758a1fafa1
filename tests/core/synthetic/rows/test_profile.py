"""The profile of payloads: kinds, ranges, categories, gaps."""

from __future__ import annotations

import math

from ghmlops.core.synthetic.rows.profile import Kind, has_other_form, profile_of

ROWS = [
    {
        "count": index,
        "share": index / 8,
        "plan": "ab"[index % 2],
        "name": f"person {index}",
        "at": f"2024-01-0{index + 1}T10:00:00+02:00",
        "local": f"2024-01-0{index + 1}T10:00:00",
        "flag": index > 3,
        "gap": None if index % 4 else 5,
        "mixed": index if index % 2 else "x",
        "nothing": None,
        "list": [index, 2.5],
        **({"rare": 1} if index == 0 else {}),
    }
    for index in range(8)
]


def test_kinds() -> None:
    """A time without an offset is text; mixed kinds and fields that are always null are never varied."""
    kinds = {path: field.kind for path, field in profile_of(ROWS).fields.items()}
    assert kinds == {
        "count": Kind.INTEGER,
        "share": Kind.NUMBER,
        "plan": Kind.CATEGORY,
        "name": Kind.TEXT,
        "at": Kind.INSTANT,
        "local": Kind.TEXT,
        "flag": Kind.BOOLEAN,
        "gap": Kind.INTEGER,
        "mixed": Kind.OTHER,
        "nothing": Kind.OTHER,
        "list[0]": Kind.INTEGER,
        "list[1]": Kind.NUMBER,
        "rare": Kind.INTEGER,
    }


def test_numbers_of_fields() -> None:
    """Ranges, null and missing rates, lengths; a declared range replaces the observed one."""
    fields = profile_of(ROWS, {"count": (-1, 99)}).fields
    assert (fields["count"].low, fields["count"].high) == (-1, 99)
    assert (fields["share"].low, fields["share"].high, fields["share"].decimals) == (0, 0.875, 3)
    assert (fields["gap"].null_rate, fields["rare"].missing_rate) == (0.75, 0.875)
    assert (fields["name"].shortest, fields["name"].longest, fields["name"].non_ascii) == (8, 8, False)
    assert fields["plan"].values == ("a", "b")


def test_numbers_that_are_not_finite() -> None:
    """An integer beyond every float is legal JSON and has no range; a NaN of Parquet is not, and neither is varied."""
    rows = [{"huge": 10**400, "mixed": -(10**400), "nan": math.nan, "fine": 2}, {"huge": 1, "mixed": 0.5, "nan": 1.0}]
    fields = profile_of(rows).fields
    assert [fields[name].kind for name in ("huge", "mixed", "nan")] == [Kind.OTHER] * 3
    assert (fields["fine"].kind, fields["fine"].high) == (Kind.INTEGER, 2)


def test_values_that_are_no_objects() -> None:
    """A payload that is a scalar or a list has a profile, too."""
    assert profile_of([1, 2]).fields[""].kind is Kind.INTEGER
    assert profile_of([[1], [2]]).fields["[0]"].high == 2
    assert has_other_form("caf\u00e9")
    assert not has_other_form("cafe")
