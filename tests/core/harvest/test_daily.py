"""Days as `watch` reads them."""

from __future__ import annotations

import pytest

from ghmlops.core.harvest.daily import DayRow, format_days, merge_days, parse_days


def test_a_day_without_an_area_has_an_empty_field() -> None:
    """Dates are ISO 8601."""
    text = format_days([DayRow(20_605, 10, 4, 2, 2, 0.75), DayRow(20_606, 9, 1, 1, 0, None)])
    assert text.splitlines()[1:] == ["2026-06-01,10,4,2,2,0.750000", "2026-06-02,9,1,1,0,"]


def test_days_are_read_as_they_were_written() -> None:
    """Without an area, too."""
    days = [DayRow(20_605, 10, 4, 2, 2, 0.75), DayRow(20_606, 9, 1, 1, 0, None)]
    assert parse_days(format_days(days)) == days
    assert parse_days(format_days([])) == []


@pytest.mark.parametrize(
    "line",
    ["", "2026-06-01,1,1,1,1", "2026-06-01,1,1,1,1,nan", "1.6.2026,1,1,1,1,", "2026-06-01,-1,1,1,1,", "\x00,,,,,"],
)
def test_another_table_is_an_error(line: str) -> None:
    """It is not overwritten."""
    text = format_days([]) + line if line else "day,value\n"
    with pytest.raises(ValueError, match=r".") as error:
        parse_days(text)
    assert error.value.args


def test_new_days_are_merged_by_date() -> None:
    """The more complete row of a day counts, and the new one of two that are as complete."""
    row = DayRow(20_605, 10, 4, 2, 2, 0.75)
    earlier = [row, row._replace(day=20_606), row._replace(day=20_607)]
    new = [row._replace(day=20_606, requests=3, auc=0.1), row._replace(day=20_607, auc=0.8), row._replace(day=20_600)]
    merged = merge_days(earlier, new)
    assert [(r.day, r.auc) for r in merged] == [(20_600, 0.75), (20_605, 0.75), (20_606, 0.75), (20_607, 0.8)]
    assert merge_days(earlier, []) == earlier
