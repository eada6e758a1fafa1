"""Names of subgroups."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.predictions.subgroup import subgroup_name


@pytest.mark.parametrize(
    ("slice_values", "window", "dataset", "expected"),
    [
        ({}, None, "", ""),
        ({}, None, "eu", "data set eu"),
        ({"a": None, "b": 2}, None, "", "a = null, b = 2"),
        ({"a": 1}, None, "eu", "data set eu, a = 1"),
        ({}, "2025-03-01", "eu", "data set eu, window 2025-03-01"),
    ],
)
def test_a_subgroup_has_one_name(slice_values: dict[str, Any], window: str | None, dataset: str, expected: str) -> None:
    """Slices, windows and all rows, with a data set or without."""
    assert subgroup_name(slice_values, window, dataset) == expected
