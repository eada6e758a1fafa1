"""Expectations in the text of a pull request."""

from __future__ import annotations

import pytest

from ghmlops.core.history.hypothesis import MAX_HYPOTHESES, Hypothesis, parse_hypotheses

LINES = [
    ("Expect: p99 -10%", ("p99", -0.1, True)),
    ("  - expect:  AUC +0.5 %.", ("auc", 0.005, True)),
    ("> Expect: log-loss \u2212 0.02", ("log-loss", -0.02, False)),
    ("**Expect: p50 +0%", ("p50", 0.0, True)),
]


@pytest.mark.parametrize(("line", "parts"), LINES)
def test_a_metric_with_a_signed_number(line: str, parts: tuple[str, float, bool]) -> None:
    """Metric, change and unit; a percentage is a fraction."""
    (result,) = parse_hypotheses(f"Faster.\r\n{line}\r\nBye.")
    assert (result.metric, result.change, result.percent) == pytest.approx(parts)


def test_several_on_one_line() -> None:
    """Separated by commas, in their order."""
    results = parse_hypotheses("Expect: p99 -10%, auc +0.001")
    assert [item.metric for item in results] == ["p99", "auc"]


@pytest.mark.parametrize("text", ["it is faster", "p99 10%", "p99 -1e5%", "p99 --3"])
def test_other_text_is_not_dropped(text: str) -> None:
    """It stays as text, without a number."""
    assert parse_hypotheses(f"Expect: {text}") == (Hypothesis(text=text),)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "I expect: nothing",
        "<!-- Expect: p99 -10% -->",
        "```\nExpect: p99 -10%\n```",
        "Expect:",
        "<!--\nExpect: a -1",
    ],
)
def test_what_is_no_expectation(body: str) -> None:
    """Templates in comments, code blocks and empty lines state nothing."""
    assert parse_hypotheses(body) == ()


def test_the_number_is_limited() -> None:
    """A hostile text does not fill the record."""
    assert len(parse_hypotheses("Expect: a -1\n" * 1000)) == MAX_HYPOTHESES
