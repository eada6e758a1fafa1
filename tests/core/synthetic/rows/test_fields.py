"""Fields of a row by path: reading, replacing, removing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.synthetic.rows.fields import as_float, fields_of, get, path_of, removed, replaced, steps_of

ROW = {"a": 1, "b": {"c.d": [True, {"e": None}], "f": []}, "g": {}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_fields_of_a_nested_row() -> None:
    """Every value that is no object or list is a field; empty ones are fields too."""
    assert fields_of(ROW) == {"a": 1, 'b."c.d"[0]': True, 'b."c.d"[1].e': None, "b.f": [], "g": {}}


@given(st.dictionaries(st.text(min_size=1, max_size=4), VALUES, min_size=1, max_size=4))
def test_a_path_leads_to_its_field(row: dict[str, object]) -> None:
    """Each path is read back to its steps, leads to its value, and can be replaced without touching the others."""
    fields = fields_of(row)
    for path, value in fields.items():
        assert path_of(steps_of(path)) == path
        assert get(row, path) == (True, value)
        changed = fields_of(replaced(row, path, "new"))
        assert changed == {**fields, path: "new"}


def test_removed_and_missing() -> None:
    """A key is removed, an element of a list is not; a path that leads nowhere is absent."""
    assert removed(ROW, "a") == {"b": ROW["b"], "g": {}}
    assert removed(ROW, 'b."c.d"[0]') == ROW
    assert [get(ROW, path)[0] for path in ("x", "a.b", "b.f[0]", "a[0]")] == [False] * 4
    assert replaced({"a": {}}, "a.new", 1) == {"a": {"new": 1}}


@pytest.mark.parametrize("path", ["", "a..b", "a[x]", "[", 'a"b', "a]"])
def test_no_path(path: str) -> None:
    """A text that is no path is refused."""
    with pytest.raises(ValueError, match="path"):
        steps_of(path)


def test_a_number_as_a_float() -> None:
    """An integer that no float can be is infinite, with its sign."""
    values = [1, -2.5, 10**308, 10**309, -(10**400)]
    assert [as_float(value) for value in values] == [1.0, -2.5, 1e308, math.inf, -math.inf]
