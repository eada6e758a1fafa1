"""Numeric times and windows of a time zone, against pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError
from ghmlops.core.paired.attributes import WINDOW
from prediction_artifacts import BINARY, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 3000
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
TIMES = pd.date_range("2024-10-25", periods=N, freq="151s", tz="UTC")
"""Five days around the end of summer time in Europe, at odd seconds."""


def sides(time: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return rows(N, 1) | {"t": time}, rows(N, 2) | {"t": time}


def window_rows(observation: Observation) -> dict[Any, int]:
    table = observation.tables[(WINDOW,)]
    assert table.counts
    rows_of_cell = np.bincount(table.counts.cell, weights=table.counts.n, minlength=len(table.keys))
    return dict(zip((key[0] for key in table.keys), rows_of_cell.astype(int).tolist(), strict=True))


def daily(**policy: Any) -> Any:
    return replace(BINARY, time="t", minimum_rows=1, **{"window": "1d", **policy})


@pytest.mark.parametrize("unit", PER_SECOND)
@pytest.mark.parametrize("kind", ["int64", "uint64", "float64", "decimal"])
def test_numbers_of_each_unit_are_the_days_of_pandas(unit: str, kind: str, read: Read) -> None:
    """Integers, doubles (with NaN for a missing time) and decimals give the windows of the instants."""
    numbers = TIMES.as_unit("ns").asi8 // (10**9 // PER_SECOND[unit])
    types = {"decimal": pa.decimal128(38, 0), "int64": pa.int64(), "uint64": pa.uint64(), "float64": pa.float64()}
    time = pa.array(numbers).cast(types[kind], safe=False)
    expected = TIMES.strftime("%Y-%m-%d").value_counts().to_dict()
    assert window_rows(read(*sides(time), daily(time_unit=unit))) == expected


def test_a_time_that_is_not_a_number_is_missing(read: Read) -> None:
    """NaN, as pandas writes a missing integer, and numbers beyond the year 9999 are no time."""
    time = TIMES.as_unit("s").asi8.astype(float)
    time[:7], time[7:9] = np.nan, 9e15
    observation = read(*sides(time), daily(time_unit="s"))
    assert observation.facts.candidate.null_times == 9
    assert sum(window_rows(observation).values()) == N - 9


@pytest.mark.parametrize(("unit", "actual"), [("s", "ms"), ("ms", "s"), ("us", "ms"), ("ns", "us"), ("s", "ns")])
def test_another_unit_is_refused_by_name(unit: str, actual: str, read: Read) -> None:
    """Seconds read as milliseconds would all lie in January 1970; the message names the unit that fits."""
    time = TIMES.as_unit("ns").asi8 // (10**9 // PER_SECOND[actual])
    with pytest.raises(DataError, match=f"3,000 of 3,000 .* in {actual}, not in {unit}"):
        read(*sides(time), daily(time_unit=unit))


def test_a_mixture_of_units_is_refused(read: Read) -> None:
    """A tenth of the rows in milliseconds; one row in a thousand is a fault of that row."""
    time = TIMES.as_unit("s").asi8.copy()
    time[:3] *= 1000
    assert read(*sides(time), daily(time_unit="s")).facts.pairs
    time[:300] = TIMES.as_unit("ms").asi8[:300]
    with pytest.raises(DataError, match="300 of 3,000"):
        read(*sides(time), daily(time_unit="s"))


def test_times_of_long_ago_are_times(read: Read) -> None:
    """Seconds of 1972 are plausible in no other unit, so they are read."""
    time = pd.date_range("1972-01-01", periods=N, freq="1h").as_unit("s").asi8
    assert min(window_rows(read(*sides(time), daily(time_unit="s", window="1mo")))) == "1972-01-01"


def test_numbers_without_a_unit_are_refused(read: Read) -> None:
    """The message names the key; a unit is never guessed."""
    with pytest.raises(DataError) as caught:
        read(*sides(TIMES.as_unit("s").asi8), daily())
    assert "time-unit" in caught.value.hint


def test_none_of_the_numbers_is_a_time(read: Read) -> None:
    """Numbers beyond all years in every unit."""
    with pytest.raises(DataError, match="none of 3,000"):
        read(*sides(np.full(N, 9 * 10**18)), daily(time_unit="s"))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize(("window", "period"), [("1d", "D"), ("1w", "W-SUN"), ("1mo", "M")])
def test_windows_follow_the_calendar_of_the_zone(zone: str, window: str, period: str, read: Read) -> None:
    """Days of 25 hours, weeks from Monday and months begin at local midnight, as in pandas."""
    local = pd.Series(TIMES).dt.tz_convert(zone).dt.tz_localize(None)
    expected = local.dt.to_period(period).dt.start_time.dt.strftime("%Y-%m-%d").value_counts().to_dict()
    assert window_rows(read(*sides(pa.array(TIMES)), daily(window=window, time_zone=zone))) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_an_hour_that_clocks_show_twice_is_two_windows(zone: str, read: Read) -> None:
    """Hours begin when a local hour does and are named in UTC, so none is longer than 60 minutes."""
    shift = pd.Timedelta(minutes=30 if zone == "Asia/Kolkata" else 0)
    expected = ((TIMES + shift).floor("h") - shift).strftime("%Y-%m-%dT%H:%M:%SZ").value_counts().to_dict()
    assert window_rows(read(*sides(pa.array(TIMES)), daily(window="1h", time_zone=zone))) == expected


def test_a_date_is_the_same_in_every_zone(read: Read) -> None:
    """A date has no hour: west of Greenwich it must not become the day before."""
    dates = pa.array(TIMES).cast(pa.date32())
    expected = TIMES.strftime("%Y-%m-%d").value_counts().to_dict()
    assert window_rows(read(*sides(dates), daily(time_zone="America/New_York"))) == expected


def test_numeric_times_have_windows_of_the_zone_too(read: Read) -> None:
    """A unit and a zone together."""
    expected = TIMES.tz_convert("Asia/Tokyo").strftime("%Y-%m-%d").value_counts().to_dict()
    policy = daily(time_unit="ms", time_zone="Asia/Tokyo")
    assert window_rows(read(*sides(TIMES.as_unit("ms").asi8), policy)) == expected
