"""Outcomes, their order, and what findings add up to."""

from __future__ import annotations

import math

import msgspec
import pytest

from ghmlops.core.model import Finding, Interval, Outcome, conclude, failed, finite, worst


def finding(outcome: Outcome, name: str = "rule") -> Finding:
    """Return a finding with this outcome."""
    return Finding(id=name, metric="m", outcome=outcome, reason=f"{name} is {outcome}.", docs="README.md#x")


def test_worst_first() -> None:
    """The order is error, fail, inconclusive, warn, pass."""
    ranked = sorted(Outcome, key=lambda o: -o.severity)
    assert [o.value for o in ranked] == ["error", "fail", "inconclusive", "warn", "pass"]


def test_nothing_is_inconclusive() -> None:
    """No finding at all is inconclusive, never a pass."""
    assert worst([]) is Outcome.INCONCLUSIVE
    assert conclude([])[:2] == (Outcome.INCONCLUSIVE, "nothing-measured")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["pass", "pass"], ("pass", "all-passed")),
        (["pass", "warn"], ("warn", "rule1")),
        (["warn", "inconclusive", "pass"], ("inconclusive", "rule1")),
        (["fail", "error", "fail"], ("error", "rule1")),
        (["pass", "fail", "fail"], ("fail", "rule1")),
    ],
)
def test_as_bad_as_the_worst(outcomes: list[str], expected: tuple[str, str]) -> None:
    """A verdict is as bad as its worst finding, which gives the reason code."""
    outcome, code, reason = conclude(finding(Outcome(o), f"rule{i}") for i, o in enumerate(outcomes))
    assert (outcome.value, code) == expected
    assert reason


def test_a_pass_names_what_was_compared() -> None:
    """At most six metrics; without a comparison, the rules."""
    compared = [
        msgspec.structs.replace(finding(Outcome.PASS, f"rule{i}"), metric=f"m{i % 8}", change=Interval(estimate=0.0))
        for i in range(20)
    ]
    reason = conclude(compared)[2]
    assert [name for name in ("m0, m1, m2, m3, m4, m5", "2 more", "20 findings") if name not in reason] == []
    assert "rule0, rule1" in conclude([finding(Outcome.PASS, "rule0"), finding(Outcome.PASS, "rule1")])[2]
    assert "rule0" in conclude([finding(Outcome.PASS, "rule0")])[2]


def test_fail_on() -> None:
    """A run fails at `fail-on` and beyond it."""
    assert [o.value for o in Outcome if failed(o, Outcome.INCONCLUSIVE)] == ["error", "fail", "inconclusive"]


@pytest.mark.parametrize(
    ("value", "expected"), [(1, 1.0), (math.nan, None), (math.inf, None), (-math.inf, None), (None, None)]
)
def test_numbers_are_finite_or_none(value: float | None, expected: float | None) -> None:
    """NaN and the infinities never reach a file."""
    assert finite(value) == expected
