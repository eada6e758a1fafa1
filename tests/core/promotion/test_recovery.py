"""A killed run leaves weights that the next one recognises; weights that somebody else set are not recognised."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import ServiceError
from ghmlops.core.promotion.recovery import BASELINE, Place, find_place, total_shares
from ghmlops.core.promotion.weights import ARMS, integer_weights, ordered_changes, rung_shares

RUNGS = [rung_shares(share, with_twin=True) for share in (0.1, 0.5, 1.0)]
SERVERS = {"candidate": 2, "twin": 1, "pool": 3}
START = {"candidate": (0, 0), "twin": (0,), "pool": (100, 100, 100)}


def states_on_the_way() -> list[tuple[int, dict[str, tuple[int, ...]]]]:
    """Return every state of a ladder, one server changed after the other, with the index of the rung before it."""
    states, present = list[tuple[int, dict[str, tuple[int, ...]]]](), dict(START)
    for index, rung in enumerate(RUNGS):
        for arm, weight in ordered_changes(present, integer_weights(rung, SERVERS, 256)):
            for server in range(SERVERS[arm]):
                values = list(present[arm])
                values[server] = weight
                present[arm] = tuple(values)
                states.append((index - 1, dict(present)))
    return states


@pytest.mark.parametrize(("before", "weights"), states_on_the_way())
def test_every_state_of_a_ladder_is_recognised(before: int, weights: dict[str, tuple[int, ...]]) -> None:
    """At the rung before or after the change, or in between; never a higher one."""
    place = find_place(weights, RUNGS, 256)
    assert place is not None
    assert place.rung in (before, before + 1)
    assert place.interrupted or place.rung == BASELINE or total_shares(weights).candidate <= RUNGS[place.rung].candidate


@pytest.mark.parametrize("index", range(len(RUNGS)))
def test_a_rung(index: int) -> None:
    """The weights of a rung are the rung, without an interruption."""
    weights = {arm: (weight,) * SERVERS[arm] for arm, weight in integer_weights(RUNGS[index], SERVERS, 256).items()}
    assert find_place(weights, RUNGS, 256) == Place(rung=index)
    assert set(weights) == set(ARMS)


@pytest.mark.parametrize(
    "weights",
    [
        {"candidate": (30, 30), "twin": (60,), "pool": (26, 27, 27)},
        {"candidate": (7, 0), "twin": (0,), "pool": (1, 1, 1)},
        {"candidate": (50, 50), "twin": (50,), "pool": (50, 50, 50)},
    ],
)
def test_weights_of_somebody_else(weights: dict[str, tuple[int, ...]]) -> None:
    """They are no state of the ladder."""
    assert find_place(weights, RUNGS, 256) is None


def test_nothing_served() -> None:
    """Weights of 0 stand for no share."""
    with pytest.raises(ServiceError, match="0"):
        total_shares({"candidate": (0,), "pool": (0,)})
