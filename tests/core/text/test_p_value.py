"""A p-value in the reason of a finding."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.text.p_value import format_p


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (1.0, "p = 1"),
        (0.0321, "p = 0.032"),
        (0.0001, "p = 0.0001"),
        (0.000099, "p < 0.0001"),
        (2.7e-44, "p < 0.0001"),
        (0.0, "p < 0.0001"),
        (math.nan, "p = nan"),
    ],
)
def test_digits_that_carry_meaning(p: float, text: str) -> None:
    """Two significant digits; below 0.0001 only the bound, because no decision depends on how small p is."""
    assert format_p("p", p) == text
