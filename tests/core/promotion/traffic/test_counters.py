"""Requests from increments of counters: what a damaged counter shows, and what it must not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from ghmlops.core.promotion.traffic.counters import MAX_REQUESTS, Counters, CounterSeries

if TYPE_CHECKING:
    from ghmlops.core.promotion.observation import Traffic

ARMS = ("candidate", "twin", "pool")
Reading = dict[str, tuple[float | None, float | None]]


def fed(*readings: Reading, delay: float = 0.0) -> list[Traffic | None]:
    """Return what each reading shows, one every ten seconds."""
    series = CounterSeries(ARMS, delay)
    whole: Reading = {"candidate": (100, 1), "twin": (100, 1), "pool": (1000, 5)}
    return [
        series.feed(10.0 * number, {arm: Counters(*values) for arm, values in (whole | reading).items()})
        for number, reading in enumerate(readings)
    ]


def test_increments() -> None:
    """The first reading shows nothing; the second what was added, at the earliest time at which it may have arrived."""
    first, second = fed({}, {"candidate": (140, 5), "pool": (1010, 5)}, delay=3.0)
    assert first is None
    assert second is not None
    assert second.counts() == {"candidate": 40, "twin": 0, "pool": 10}
    assert (second.candidate.errors, second.pool.errors) == (4, 0)
    assert second.candidate.failed.nonzero()[0].tolist() == [5, 15, 25, 35]
    assert set(second.candidate.at) == {-3.0}
    later = second.since(0.0)
    assert later.counts() == {"candidate": 0, "twin": 0, "pool": 0}


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -1.0, 150.5])
@pytest.mark.parametrize("counter", [0, 1])
def test_a_value_that_is_no_count_shows_nothing_of_any_arm(arm: str, value: float | None, counter: int) -> None:
    """The next whole reading covers the interval."""
    values: list[float | None] = [2000.0, 6.0]
    values[counter] = value
    last: Reading = {"candidate": (160, 1), "twin": (160, 1), "pool": (1000, 5)}
    traffic = fed({}, {arm: (values[0], values[1])}, last)
    assert traffic[1] is None
    assert traffic[2] is not None
    assert traffic[2].counts() == {"candidate": 60, "twin": 60, "pool": 0}


def test_a_counter_that_was_reset() -> None:
    """Its interval shows nothing, those after it count from the new beginning."""
    traffic = fed({}, {"candidate": (3, 0)}, {"candidate": (20, 2)}, {"candidate": (30, 2)})
    assert traffic[1] is None
    assert [t.candidate.requests for t in traffic[2:] if t] == [17, 10]


def test_a_counter_that_was_away_and_returned() -> None:
    """`or vector(0)` makes 0 of no series: the return is no burst of requests."""
    traffic = fed({}, {"candidate": (0, 0)}, {"candidate": (140, 9)}, {"candidate": (150, 9)})
    assert traffic[1:3] == [None, None]
    assert traffic[3] is not None
    assert traffic[3].candidate.requests == 10


@pytest.mark.parametrize("values", [(110, 20), (110, 0), (100 + MAX_REQUESTS + 1, 1)])
def test_impossible_increments_show_nothing(values: tuple[float, float]) -> None:
    """More failed requests than requests, errors that fall, and more requests than there can be."""
    assert fed({}, {"candidate": values})[1] is None


def test_the_first_counter_without_a_value_is_named() -> None:
    """Before a promotion starts."""
    series = CounterSeries(ARMS, 0.0)
    values = {"candidate": Counters(1, 0), "twin": Counters(1, None), "pool": Counters(0.5, 0)}
    assert series.missing(values) == ("twin", "errors")
    assert series.missing({**values, "twin": Counters(1, 0)}) == ("pool", "total")
    assert series.missing(dict.fromkeys(ARMS, Counters(3, 0))) is None
