"""Whether answers violate a relation: every kind of answer, and what cannot be judged."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.answers.answer import AnswerKind
from ghmlops.core.answers.rules import Rules
from ghmlops.core.policy.before_traffic.synthetic import Assertion
from ghmlops.core.synthetic.ask import Expected
from ghmlops.core.synthetic.compare import Comparison, Reading, judge, problem
from ghmlops.core.synthetic.message import Part
from json_answers import answered, failure

HUGE = b'{"p": 1%s}' % (b"0" * 400)
"""An integer that Python reads and no float can be."""
HOW = Comparison(rules=Rules(tolerances={"$.p": 0.1}))


@pytest.mark.parametrize(
    ("one", "other", "violated"),
    [
        (answered({"p": 1}), answered({"p": 1.05}), False),
        (answered({"p": 1}), answered({"p": 1.2}), True),
        (answered({"p": 1}), answered({"p": "1"}), True),
        (answered({"p": 1}), answered({"q": 1}), True),
        (answered({"p": 1}), answered({"p": 1}, 500), True),
        (answered({"p": 1}), answered(HUGE), True),
        (answered(HUGE), answered(HUGE), False),
        (answered({"p": 1}), answered(b'{"p": NaN}'), True),
        (answered(b'{"p": NaN}'), answered(b'{"p": NaN}'), None),
        (answered({"p": 1}), answered(b'{"p": 1, "p": 1}'), True),
        (answered({"p": 1}), answered(b"<html>"), True),
        (answered({"p": 1}), failure(AnswerKind.RESET), True),
        (answered({"p": 1}), failure(AnswerKind.THROTTLED), None),
        (answered({"p": 1}, 422), answered({"p": 1}), None),
        (failure(AnswerKind.TIMEOUT), answered({"p": 1}), None),
        (answered({"p": 3}), answered([{"p": 1}, {"p": 3}], part=Part(total=2, offset=1, whole=True)), False),
        (answered({"p": 3}), answered([{"p": 1}], part=Part(total=2, offset=1, whole=True)), True),
    ],
)
def test_same(one: Reading, other: Reading, violated: bool | None) -> None:
    """Equal up to the tolerance; an answer that cannot be judged is neither a violation nor a pass."""
    assert judge(Expected.SAME, one, other, HOW).violated is violated


@pytest.mark.parametrize(
    ("expected", "answer", "violated"),
    [
        (Expected.REFUSED, answered({}, 422), False),
        (Expected.REFUSED, answered({}, 200), True),
        (Expected.REFUSED, answered({}, 500), True),
        (Expected.REFUSED, failure(AnswerKind.RESET), True),
        (Expected.REFUSED, failure(AnswerKind.THROTTLED), None),
        (Expected.SERVED, answered({"p": 1}), False),
        (Expected.SERVED, answered({"p": 1}, 422), True),
        (Expected.SERVED, answered(b'{"p": 1e999}'), True),
        (Expected.SERVED, answered(HUGE), True),
        (Expected.SERVED, answered(b'{"q": [{"p": -1%s}]}' % (b"0" * 400)), True),
        (Expected.SERVED, answered({"p": 10**300}), False),
        (Expected.NOT_CRASHED, answered(HUGE), True),
        (Expected.NOT_CRASHED, answered({}, 422), False),
        (Expected.NOT_CRASHED, answered({}, 503), True),
        (Expected.NOT_CRASHED, failure(AnswerKind.REFUSED), True),
    ],
)
def test_single_answers(expected: Expected, answer: Reading, violated: bool | None) -> None:
    """Illegal input is refused by 4xx; extremes are served; unseen categories do not crash; silence is a violation."""
    assert judge(expected, None, answer, HOW).violated is violated


@pytest.mark.parametrize(
    ("expected", "before", "after", "violated"),
    [
        (Expected.NOT_LOWER, {"p": 1}, {"p": 0.95}, False),
        (Expected.NOT_LOWER, {"p": 1}, {"p": 0.8}, True),
        (Expected.NOT_HIGHER, {"p": 1}, {"p": 1.2}, True),
        (Expected.NOT_HIGHER, {"p": 1}, {"p": 0.2}, False),
        (Expected.NOT_LOWER, {"p": 1, "q": 1}, {"p": 0, "q": 1}, None),
        (Expected.NOT_LOWER, {"p": "x"}, {"p": "y"}, None),
    ],
)
def test_order_of_scores(expected: Expected, before: Any, after: Any, violated: bool | None) -> None:
    """The score is the only number of the answer; with several it must be named."""
    assert judge(expected, answered(before), answered(after), HOW).violated is violated
    named = Comparison(rules=HOW.rules, score="p")
    assert judge(Expected.NOT_LOWER, answered({"p": 1, "q": 1}), answered({"p": 0, "q": 1}), named).violated


@pytest.mark.parametrize("score", ["", "p"])
@pytest.mark.parametrize("expected", [Expected.NOT_LOWER, Expected.NOT_HIGHER])
def test_a_score_that_is_not_finite(expected: Expected, score: str) -> None:
    """It is a violation, unless the unchanged request had such a score already: then there is nothing to compare."""
    how = Comparison(rules=HOW.rules, score=score)
    assert judge(expected, answered({"p": 1}), answered(HUGE), how).violated is True
    assert judge(expected, answered(HUGE), answered({"p": 1}), how).violated is None
    assert judge(expected, answered(HUGE), answered(HUGE), how).violated is None
    ends = answered({"p": -1.7e308}), answered({"p": 1.7e308})
    assert judge(expected, *ends, how).violated is (expected is Expected.NOT_HIGHER)


def test_assertions() -> None:
    """Every assertion is checked; an answer that is none cannot be judged."""
    how = Comparison(assertions={"p": Assertion(range=(0, 1)), "q": Assertion(sum=1.0, type="list")})
    values = [{"p": 1, "q": [0.5, 0.5]}, {"p": 2, "q": [1]}, {"p": 1, "q": [0.5]}, {"p": 1}, {"p": True, "q": [1]}]
    observations = [judge(Expected.ASSERTED, None, answered(value), how).violated for value in values]
    assert observations == [False, True, True, True, True]
    assert judge(Expected.ASSERTED, None, answered({}, 500), how).violated is None


def test_values_are_not_part_of_what_was_observed() -> None:
    """The description names the path; values are separate, so that they can be withheld."""
    observation = judge(Expected.SAME, answered({"p": "s3cr3t"}), answered({"p": "0ther"}), HOW)
    assert "s3cr3t" not in observation.what
    assert (observation.left, observation.right) == ('"s3cr3t"', '"0ther"')
    assert problem(failure(AnswerKind.TOO_LARGE)) == "too-large"
