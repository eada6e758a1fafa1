"""Weights of a router represent a rung and never serve nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghmlops.core.promotion.weights import (
    ARMS,
    BASELINE_ONLY,
    Shares,
    integer_weights,
    ordered_changes,
    rung_shares,
    shares_of,
)

ONE_EACH = dict.fromkeys(ARMS, 1)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.01, (0.01, 0.01, 0.98)),
        (0.25, (0.25, 0.25, 0.5)),
        (0.5, (0.5, 0.5, 0.0)),
        (0.75, (0.75, 0.25, 0.0)),
        (1.0, (1.0, 0.0, 0.0)),
    ],
)
def test_the_twin_receives_as_much_as_the_candidate_as_long_as_there_is_as_much(
    share: float, expected: tuple[float, float, float]
) -> None:
    """Above one half the twin keeps the rest."""
    shares = rung_shares(share, with_twin=True)
    assert (shares.candidate, shares.twin, shares.pool) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.01, {"candidate": 1, "twin": 1, "pool": 98}),
        (0.05, {"candidate": 1, "twin": 1, "pool": 18}),
        (0.25, {"candidate": 1, "twin": 1, "pool": 2}),
        (1.0, {"candidate": 1, "twin": 0, "pool": 0}),
        (0.001, {"candidate": 1, "twin": 1, "pool": 256}),
    ],
)
def test_weights_of_a_rung(share: float, expected: dict[str, int]) -> None:
    """The smallest exact weights are taken; a share below 1 in 258 is the smallest that the router has."""
    assert integer_weights(rung_shares(share, with_twin=True), ONE_EACH, 256) == expected


def test_several_servers_of_an_arm_share_its_traffic() -> None:
    """Nine servers of the pool carry nine tenths: all weights are equal."""
    weights = integer_weights(Shares(candidate=0.1, pool=0.9), {"candidate": 1, "pool": 9}, 256)
    assert weights == {"candidate": 1, "pool": 1}


def test_an_arm_with_a_share_needs_a_server() -> None:
    """There is no weight for a twin that does not exist."""
    with pytest.raises(ValueError, match="twin"):
        integer_weights(rung_shares(0.1, with_twin=True), {"candidate": 1, "pool": 1}, 256)


@given(
    share=st.floats(0.005, 1.0),
    with_twin=st.booleans(),
    pool=st.integers(1, 12),
    limit=st.sampled_from([100, 256, 1000]),
)
def test_weights_never_exceed_the_rung_where_the_router_can_represent_it(
    share: float, with_twin: bool, pool: int, limit: int
) -> None:
    """Weights stay in range, and the candidate gets at most its share unless 1 is the smallest weight already."""
    servers = {"candidate": 1, "twin": 1, "pool": pool}
    shares = rung_shares(share, with_twin=with_twin)
    weights = integer_weights(shares, servers, limit)
    result = shares_of({arm: float(weights[arm] * servers[arm]) for arm in ARMS})
    assert result is not None
    assert all(0 <= weight <= limit for weight in weights.values())
    assert all((weights[arm] > 0) == (shares.share(arm) > 0) for arm in ARMS)
    assert result.candidate <= share + 1e-9 or weights["candidate"] == 1
    assert result.candidate == pytest.approx(share, abs=0.02 + pool / limit)


@given(
    before=st.tuples(*[st.integers(0, 256)] * 3).filter(any),
    after=st.tuples(*[st.integers(0, 256)] * 3).filter(any),
)
def test_no_order_of_changes_leaves_traffic_without_a_server(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    """Between the changes something has a weight, and the candidate's share stays below the larger of its ends."""
    state, goal = dict(zip(ARMS, before, strict=True)), dict(zip(ARMS, after, strict=True))
    ends = [shares_of({arm: float(weight) for arm, weight in weights.items()}) for weights in (state, goal)]
    highest = max(end.candidate for end in ends if end)
    for arm, weight in ordered_changes({arm: (weight,) for arm, weight in state.items()}, goal):
        state[arm] = weight
        shares = shares_of({name: float(value) for name, value in state.items()})
        assert shares is not None
        assert shares.candidate <= highest + 1e-9
    assert state == goal


def test_weights_of_zero_serve_nothing() -> None:
    """That is no state of a promotion."""
    assert shares_of({"candidate": 0.0, "pool": 0.0}) is None


@pytest.mark.parametrize("weights", [{"candidate": -1.0, "pool": 2.0}, {"candidate": float("nan"), "pool": 1.0}])
def test_impossible_weights_are_an_error(weights: dict[str, float]) -> None:
    """Negative weights and NaN are no shares."""
    with pytest.raises(ValueError, match="not negative"):
        shares_of(weights)


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (-0.1, 0.0, 1.1), (float("nan"), 0.0, 1.0)])
def test_impossible_shares_are_an_error(shares: tuple[float, float, float]) -> None:
    """Shares add up to the total traffic."""
    with pytest.raises(ValueError, match="sum of 1"):
        Shares(candidate=shares[0], twin=shares[1], pool=shares[2])


def test_the_baseline_has_all_traffic_before_and_after() -> None:
    """Start and end of every rollback."""
    assert (BASELINE_ONLY.candidate, BASELINE_ONLY.pool) == (0.0, 1.0)
