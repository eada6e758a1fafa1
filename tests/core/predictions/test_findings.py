"""Findings on single metrics: their numbers, and the numbers in their reasons."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from ghmlops.core.metrics.bias import BIAS
from ghmlops.core.metrics.churn import CHURN
from ghmlops.core.metrics.log_loss import LOG_LOSS
from ghmlops.core.metrics.positive_rate import POSITIVE_RATE
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.findings import (
    describe_change,
    format_difference,
    metric_finding,
    ruling_reason,
)
from ghmlops.core.predictions.ruling import Basis, Comparison, Ruling, rule
from literal_comparison import comparison


def reason(compared: Comparison) -> str:
    return ruling_reason(compared, rule(compared))


def numbers(text: str) -> list[str]:
    """Return the numbers of a sentence in their order."""
    return re.findall(r"[-+]?\d[\d,]*(?:\.\d+)?", text)


LOSS = comparison(0.1615, 0.1914, 0.2212, metric=LOG_LOSS, n=1106, baseline=0.37, candidate=0.5614, margin=0.0185)


@pytest.mark.parametrize(
    ("compared", "expected"),
    [
        (LOSS, "0.37 0.56 +0.19 +0.16 99 0.0185 1,106"),
        (comparison(0.006, 0.012, 0.018), "80.0 78.8 -1.2 -0.6 99 0.5 10,000"),
        (comparison(0.001, 0.012, 0.023), "80.0 78.8 -1.2 -0.1 99 0.5 10,000"),
        (comparison(-0.002, 0.001, 0.004), "80.00 79.90 -0.10 -0.40 99 0.5 10,000"),
        (comparison(-0.030, -0.020, -0.010), "80.0 82.0 +2.0 +1.0 99 0.5 10,000"),
        (comparison(-0.010, 0.001, 0.012), "80.00 79.90 -0.10 -1.20 +1.00 98 0.5 10,000 76,000"),
        (comparison(0.001, 0.004, 0.007), "80.00 79.60 -0.40 -0.70 -0.10 98 0.5 10,000 90,000"),
        (comparison(-0.004, 0.0, 0.004), "80.00 -0.40 99 0.5 10,000"),
        (comparison(0.1, 0.2, 0.3, n=12), "80 60 -20 -30 -10 98 12 30"),
    ],
)
def test_a_reason_has_values_change_limit_confidence_margin_and_rows(compared: Comparison, expected: str) -> None:
    """In this order: baseline, candidate, change, confidence limit, its level, the margin, the number of rows."""
    assert numbers(reason(compared)) == expected.split()


def test_a_reason_is_one_sentence_of_subject_verb_number_and_limit(golden: Callable[[str, str], None]) -> None:
    """The whole sentence, once."""
    golden("reason-of-a-metric.txt", reason(LOSS) + "\n")


def test_a_change_and_a_margin_that_differ_are_written_differently() -> None:
    """Enough decimals to distinguish the change from the margin."""
    assert "-0.504 points" in describe_change(comparison(0.001, 0.00504, 0.009), "smallest loss")


def test_a_move_either_way_has_the_wider_interval() -> None:
    """Any move of the positive rate is a regression, so each limit has half the level: 99 % and 99.5 %."""
    moved = comparison(0.01, 0.02, 0.03, metric=POSITIVE_RATE)
    assert "99 %" in describe_change(moved, "interval")
    assert "99.5 %" in describe_change(moved, "smallest loss")
    assert numbers(describe_change(moved, "smallest loss"))[3] == "-1.0"


def test_a_distance_from_a_target_is_stated_next_to_the_change() -> None:
    """A bias that went from 0.1 to -0.5 fell by 0.6 and is 0.4 farther from 0."""
    bias = replace(comparison(0.3, 0.4, 0.5, metric=BIAS, baseline=0.1, candidate=-0.5), low=-0.7, high=-0.5)
    assert numbers(describe_change(bias, "smallest loss")) == ["0.10", "-0.50", "-0.60", "0.40", "+0.30", "99"]


def test_a_rate_of_the_pair_has_no_baseline() -> None:
    """Churn is a value, not a change."""
    churn = comparison(0.029, 0.032, 0.036, metric=CHURN, baseline=0.0, candidate=0.032)
    assert numbers(describe_change(churn, "smallest loss")) == ["3.2", "2.9", "99"]
    assert metric_finding(churn, Outcome.PASS, "").baseline is None


def test_undefined_numbers_are_null_and_never_written_as_nan() -> None:
    """An undefined metric or interval is inconclusive; the reason says so without a number."""
    nan = math.nan
    undefined = comparison(nan, nan, nan, candidate=nan)
    text = ruling_reason(undefined, Ruling(Outcome.INCONCLUSIVE, Basis.UNDEFINED))
    assert "undefined" in text
    assert "nan" not in text
    finding = metric_finding(undefined, Outcome.INCONCLUSIVE, text)
    assert (finding.candidate, finding.change.low if finding.change else 0) == (None, None)
    assert "nan" not in describe_change(comparison(nan, 0.1, nan), "interval")


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0.005, "0.5 points"), (0.01, "1 point"), (0.0001, "0.01 points"), (0.12345, "12.3 points")],
)
def test_differences_of_ratios_are_in_percentage_points(number: float, expected: str) -> None:
    """Three significant digits."""
    assert format_difference(POSITIVE_RATE, number) == expected


def test_large_differences_have_separators() -> None:
    """No scientific notation for money."""
    assert format_difference(LOG_LOSS, 12_345.6) == "12,346 nats"
