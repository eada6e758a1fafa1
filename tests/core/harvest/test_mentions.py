"""An identifier in other bodies is a reference, or an ordinary value that one request took for its identifier."""

from __future__ import annotations

import pytest

from ghmlops.core.harvest.mentions import MIN_BODIES, ORDINARY, Mention, is_word, mention_problems
from ghmlops.core.harvest.privacy import OWN


@pytest.mark.parametrize(
    ("words", "hits", "bodies", "ordinary"),
    [
        ({"tablet"}, MIN_BODIES, 100, True),
        ({"tablet"}, MIN_BODIES - 1, 100, False),
        ({"tablet"}, MIN_BODIES, 20_000, False),
        (set[str](), MIN_BODIES, 100, False),
    ],
)
def test_ordinary_values_cost_the_request_that_has_them(
    words: set[str], hits: int, bodies: int, ordinary: bool
) -> None:
    """References cost the bodies that have them."""
    mentions = [Mention("tablet", index, "device") for index in range(hits)]
    problems = mention_problems(mentions, {"tablet": [97, 98]}, words, bodies)
    expected = {97: ("device", ORDINARY), 98: ("device", ORDINARY)}
    assert problems == (expected if ordinary else dict.fromkeys(range(hits), ("device", OWN)))


def test_repetitions_in_one_body_are_one() -> None:
    """A body of a client cannot make its identifier an ordinary value."""
    mentions = [Mention("tablet", 3, field) for field in "abcdefghijklmnop"]
    assert mention_problems(mentions, {"tablet": [9]}, {"tablet"}, 50) == {3: ("p", OWN)}


def test_words_have_no_digit() -> None:
    """Generated identifiers have."""
    assert is_word("international-class")
    assert not is_word("req-1")
