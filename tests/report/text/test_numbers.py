"""Human-readable numbers with units."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.text import numbers
from report import samples

MINUS, DASH = "\u2212", "\u2013"


def finding(**fields: Any) -> Finding:
    """Return a finding with these fields."""
    return Finding(**{"id": "x", "metric": "x", "outcome": Outcome.PASS, "reason": "", "docs": "", **fields})


def plain(text: str) -> str:
    """Return the text with ordinary spaces instead of no-break spaces."""
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "ms", DASH),
        (0.0, "ms", "0 ms"),
        (0.01234, "ms", "0.0123 ms"),
        (41.23, "ms", "41.2 ms"),
        (1402.7, "ms", "1,403 ms"),
        (-3.456, "ms", f"{MINUS}3.46 ms"),
        (0.0005, "ratio", "0.0500 %"),
        (0.8123, "ratio", "81.2 %"),
        (0.81234567, "", "0.8123"),
        (1234567.0, "", "1,234,567"),
        (0.4031, "nats", "0.4031 nats"),
        (3.0, "<script>", "3.000"),
        (10**400, "", "∞"),
        (-(10**400), "ms", f"{MINUS}∞ ms"),
    ],
)
def test_values(value: float | None, unit: str, expected: str) -> None:
    """Values have three or four digits, separated thousands and a unit; a hostile unit is omitted."""
    assert expected == plain(numbers.number(value, numbers.unit_scale(unit)))


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, DASH),
        (0.8, "0.800 s"),
        (59.0, "59.0 s"),
        (83.4, "1 min 23 s"),
        (7500.0, "2 h 5 min"),
        (1e12, "1,000,000,000,000 s"),
    ],
)
def test_durations(seconds: float | None, expected: str) -> None:
    """Durations are in seconds below a minute, then in minutes, then in hours."""
    assert expected == plain(numbers.duration(seconds))


def test_counts_beyond_the_range_of_a_float() -> None:
    """Integers in JSON may have any length."""
    assert numbers.count(10**400) == "∞"
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.count(None) == DASH


def test_a_ratio_of_response_times() -> None:
    """Values are in milliseconds; change and margin are in percent of the baseline."""
    result = samples.quantile("p99", 131.0, (0.031, 0.012, 0.05), Outcome.PASS, 0.05)
    assert plain(numbers.change(result)) == "+3.1 % [+1.2, +5.0]"
    assert plain(numbers.limit(result)) == "≤ +5 %"
    assert plain(numbers.number(result.baseline, numbers.value_scale(result))) == "131 ms"
    assert numbers.tendency(result) == "↑ worse"


def test_a_difference_of_shares() -> None:
    """Values are in percent; change and margin are in percentage points."""
    result = samples.metric("accuracy", (0.8123, 0.7961), 0.0021, Outcome.FAIL)
    assert plain(numbers.change(result)) == f"{MINUS}1.6 pt [{MINUS}1.8, {MINUS}1.4]"
    assert plain(numbers.limit(result)) == f"≥ {MINUS}0.5 pt"
    assert plain(numbers.number(result.candidate, numbers.value_scale(result))) == "79.6 %"
    assert numbers.tendency(result) == "↓ worse"


def test_a_rate_of_pairs() -> None:
    """Churn has no value of the baseline; its change is the rate itself in percentage points."""
    change = Interval(estimate=0.034, low=0.031, high=0.037)
    result = finding(
        metric="churn", unit="ratio", direction=Direction.LOWER, candidate=0.034, change=change, margin=0.05
    )
    assert plain(numbers.change(result)) == "+3.4 pt [+3.1, +3.7]"
    assert plain(numbers.number(result.candidate, numbers.value_scale(result))) == "3.40 %"


def test_an_objective() -> None:
    """If a finding has no change, the limit applies to the value."""
    result = samples.objective(Outcome.PASS, 129.4)
    assert plain(numbers.limit(result)) == "≤ 150 ms"
    assert numbers.change(result) == DASH


@pytest.mark.parametrize(
    ("low", "high", "direction", "expected"),
    [
        (0.1, 0.2, Direction.HIGHER, "↑ better"),
        (0.1, 0.2, Direction.LOWER, "↑ worse"),
        (-0.2, -0.1, Direction.HIGHER, "↓ worse"),
        (-0.2, -0.1, Direction.LOWER, "↓ better"),
        (-0.2, -0.1, Direction.TARGET, "↓ moved"),
        (-0.1, 0.1, Direction.LOWER, "→ no clear change"),
        (0.0, 0.1, Direction.LOWER, "→ no clear change"),
        (None, 0.1, Direction.LOWER, ""),
        (0.1, None, Direction.LOWER, "↑ worse"),
        (0.1, 0.2, None, ""),
    ],
)
def test_tendency(low: float | None, high: float | None, direction: Direction | None, expected: str) -> None:
    """A change is better or worse only if its interval excludes zero."""
    result = finding(direction=direction, change=Interval(estimate=0.1, low=low, high=high))
    assert expected == numbers.tendency(result)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (Interval(estimate=0.5), "+0.50 ms"),
        (Interval(estimate=0.5, low=0.1), "+0.50 ms [at least +0.10]"),
        (Interval(estimate=0.5, high=0.9), "+0.50 ms [at most +0.90]"),
        (Interval(low=0.1, high=0.9), "[+0.10, +0.90] ms"),
        (Interval(), DASH),
        (Interval(estimate=0.0, low=-0.0, high=0.0), "0.0 ms [0.0, 0.0]"),
    ],
)
def test_open_intervals(interval: Interval, expected: str) -> None:
    """A missing bound is described in words."""
    assert expected == plain(numbers.change(finding(unit="ms", change=interval)))


def test_limits_of_the_three_directions() -> None:
    """A margin is a size; the direction of the metric determines its sign."""
    change = Interval(estimate=0.001)
    for direction, expected in (
        (Direction.LOWER, "≤ +0.005"),
        (Direction.HIGHER, f"≥ {MINUS}0.005"),
        (Direction.TARGET, "within ±0.005"),
    ):
        assert expected == numbers.limit(finding(direction=direction, change=change, margin=0.005))
    assert numbers.limit(finding(margin=None)) == DASH


ANY = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**40), 10**40)


@given(
    ANY, ANY, ANY, ANY, ANY, st.sampled_from(list(Direction)), st.sampled_from(["", "ms", "ratio", "pt", "a/b", "|"])
)
def test_any_number_is_formatted(
    estimate: float | None,
    low: float | None,
    high: float | None,
    baseline: float | None,
    margin: float | None,
    direction: Direction,
    unit: str,
) -> None:
    """Every number of a JSON document is formatted on one line, without markup and NaN."""
    interval = msgspec.structs.replace(Interval(), estimate=estimate, low=low, high=high)
    result = finding(
        unit=unit, direction=direction, baseline=baseline, candidate=low, change=interval, margin=margin, metric="p50"
    )
    texts = [numbers.change(result), numbers.limit(result), numbers.tendency(result)]
    texts.append(numbers.number(baseline, numbers.value_scale(result)))
    for text in texts:
        assert not set(text) & set("|<>`*_\n&#@")
        assert "nan" not in text


def distance(outcome: Outcome, baseline: float, candidate: float, low: float, high: float) -> Finding:
    grown = abs(candidate) - abs(baseline)
    return Finding(
        id="slice-bias",
        metric="bias",
        outcome=outcome,
        reason="",
        docs="",
        direction=Direction.LOWER,
        baseline=baseline,
        candidate=candidate,
        change=Interval(estimate=candidate - baseline, low=candidate - baseline - 0.1, high=candidate - baseline + 0.1),
        loss=Interval(estimate=grown, low=low, high=high),
        margin=0.5,
    )


def test_a_distance_is_worse_if_it_grew_in_whichever_direction_the_value_moved() -> None:
    """A bias that fell from -1 to -6 is worse by 5; from -6 to -1 it is better, and its limit an upper one."""
    worse = distance(Outcome.FAIL, -1.0, -6.0, 4.9, 5.1)
    assert numbers.tendency(worse).endswith("worse")
    assert "+5.0" in numbers.change(worse)
    better = distance(Outcome.PASS, -6.0, -1.0, -5.1, -4.9)
    assert numbers.tendency(better).endswith("better")
    assert f"{numbers.MINUS}5.0" in numbers.change(better)
    assert numbers.limit(better).startswith("≤ +")


def test_a_pass_beyond_the_limit_of_a_test_shows_no_limit() -> None:
    """A slice whose loss is beyond the margin and not significant has no limit beside the loss."""
    finding = distance(Outcome.PASS, 1.0, 2.0, -0.2, 2.2)
    assert numbers.exceeds_by_noise(finding)
    assert numbers.limit(finding) == numbers.MISSING
    assert "not significant" in numbers.tendency(finding)
    assert not numbers.exceeds_by_noise(distance(Outcome.FAIL, 1.0, 2.0, 0.9, 1.1))
