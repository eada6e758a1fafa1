"""Number formats in the reasons of findings."""

from __future__ import annotations

import pytest

from ghmlops.core.latency.wording import format_bound, format_change, format_ms, format_share


@pytest.mark.parametrize(("value", "text"), [(0.123, "0.123"), (1.1748, "1.17"), (99.94, "99.9"), (1249.6, "1,250")])
def test_times_have_three_significant_digits(value: float, text: str) -> None:
    """Times below 100 ms have three significant digits, longer ones are rounded to milliseconds."""
    assert format_ms(value) == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (0.0, "+0.0 %"),
        (0.7214, "+72.1 %"),
        (-0.051, "-5.1 %"),
        (2.084, "+208 %"),
        (12.5, "+1,250 %"),
        (None, "no limit"),
    ],
)
def test_changes_have_a_sign(change: float | None, text: str) -> None:
    """Changes are signed percentages with one decimal below 100 %; an unbounded change is `no limit`."""
    assert format_change(change) == text


def test_shares_and_bounds() -> None:
    """Shares have no trailing zeros, bounds have three decimals."""
    assert (format_share(0.1), format_share(0.005), format_bound(0.00982)) == ("10 %", "0.5 %", "0.982 %")
