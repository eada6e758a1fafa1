"""Days as `watch` reads them."""

from __future__ import annotations

from ghmlops.core.harvest.daily import DayRow, format_days


def test_a_day_without_an_area_has_an_empty_field() -> None:
    """Dates are ISO 8601."""
    text = format_days([DayRow(20_605, 10, 4, 2, 2, 0.75), DayRow(20_606, 9, 1, 1, 0, None)])
    assert text.splitlines()[1:] == ["2026-06-01,10,4,2,2,0.750000", "2026-06-02,9,1,1,0,"]
