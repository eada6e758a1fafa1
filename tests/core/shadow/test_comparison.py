"""The comparison of the answers of three arms."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.answers.answer import Answer, AnswerKind
from ghmlops.core.answers.rules import Rules
from ghmlops.core.answers.walk import Aspect, Place
from ghmlops.core.shadow.comparison import (
    BODY,
    BODY_KIND,
    CONTENT_TYPE,
    MAX_ENDPOINTS,
    MAX_LABELS,
    OTHER_ENDPOINTS,
    STATUS,
    Comparison,
    distance_at,
)


def answer(body: bytes = b"{}", status: int = 200, media_type: str = "application/json") -> Answer:
    """Return a complete answer."""
    return Answer(kind=AnswerKind.ANSWERED, status=status, media_type=media_type, body=body)


def failed(kind: AnswerKind) -> Answer:
    """Return a failure to answer."""
    return Answer(kind=kind)


OK = answer()


@pytest.mark.parametrize(
    ("candidate", "places"),
    [
        (answer(b'{ "a": 1}'), {Place("$.a", Aspect.SHAPE)}),
        (answer(status=201), {STATUS}),
        (answer(media_type=""), {CONTENT_TYPE}),
        (answer(b"no json"), {BODY_KIND}),
        (answer(b'{"a": NaN, "a": NaN}'), {BODY_KIND, Place("$.a", Aspect.SHAPE)}),
        (answer(status=500), {STATUS}),
        (failed(AnswerKind.TIMEOUT), {STATUS}),
    ],
)
def test_each_kind_of_difference_has_its_place(candidate: Answer, places: set[Place]) -> None:
    """Status, content type, kind of body and the values of JSON are compared; the candidate is the odd one."""
    comparison = Comparison()
    comparison.add(1, "e", (OK, OK, candidate))
    assert set(comparison.tallies["e"].places) == places
    assert all(count.odd == [0, 0, 1] for count in comparison.tallies["e"].places.values())
    assert (comparison.compared, comparison.identical, comparison.coverage) == (1, 0, 1.0)


def test_bodies_that_are_not_json_are_compared_as_bytes() -> None:
    """Equal text is equal, other text is another value."""
    comparison = Comparison()
    comparison.add(1, "e", (answer(b"one"), answer(b"one"), answer(b"one")))
    comparison.add(2, "e", (answer(b"one"), answer(b"one"), answer(b"two")))
    assert (comparison.identical, list(comparison.tallies["e"].places)) == (1, [BODY])
    assert comparison.flaws["candidate"] == {"not-json": 2}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((answer(status=404), answer(status=404), answer(status=404)), "baseline: 404"),
        ((OK, failed(AnswerKind.RESET), OK), "twin: reset"),
        ((failed(AnswerKind.TIMEOUT), OK, OK), "baseline: timeout"),
        ((OK, OK, failed(AnswerKind.THROTTLED)), "candidate: throttled"),
    ],
)
def test_requests_that_the_baseline_does_not_answer_are_no_agreement(
    answers: tuple[Answer, Answer, Answer], reason: str
) -> None:
    """Error pages, silence and throttling are counted by reason, and lower the coverage."""
    comparison = Comparison()
    comparison.add(7, "e", answers)
    assert {name: (drop.requests, drop.example) for name, drop in comparison.losses.items()} == {reason: (1, "row 7")}
    assert (comparison.compared, comparison.coverage, comparison.sendable) == (0, 0.0, 1)


def test_refused_requests_do_not_lower_the_coverage() -> None:
    """Coverage is the share of the requests that may be sent."""
    comparison = Comparison()
    comparison.refuse("unsafe method", "row 1")
    comparison.add(2, "e", (OK, OK, OK))
    assert (comparison.coverage, comparison.refused, comparison.sendable) == (1.0, 1, 1)


def test_kinds_and_endpoints_are_bounded() -> None:
    """A hostile service cannot grow the tables without end."""
    comparison = Comparison()
    for number in range(200):
        comparison.add(number, f"GET /{number}", (OK, OK, answer(status=201 + number)))
    assert len(comparison.tallies) == MAX_ENDPOINTS + 1
    assert comparison.tallies[OTHER_ENDPOINTS].n == 100
    assert len(comparison.answers["candidate"]) == MAX_LABELS + 1


def test_distances_from_a_reference() -> None:
    """Numbers have a distance at a place; another kind of answer is infinitely far."""
    place, reference = Place("$.s", Aspect.VALUE), answer(b'{"s": 1.0}')
    assert distance_at(place, reference, answer(b'{"s": 1.5}'), Rules()) == 0.5
    assert distance_at(place, reference, answer(b'{"s": 1}'), Rules()) == 0.0
    assert distance_at(place, reference, failed(AnswerKind.RESET), Rules()) == math.inf
