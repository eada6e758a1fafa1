"""Where on the ladder a router is, from its weights alone: at a rung, or in a change that was interrupted.

A run that is killed leaves the router at a rung or between two: every change sets one server after the other in a fixed
order, so that the weights in between are known. Weights that are neither were set by somebody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.promotion.weights import (
    CANDIDATE,
    POOL,
    TWIN,
    Shares,
    integer_weights,
    ordered_changes,
    served_shares,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Weights = Mapping[str, tuple[int, ...]]

SAME_SHARE = 0.005
"""Difference of a share from that of a rung up to which the target counts as being at the rung."""
BASELINE = -1
"""Index of the state before the first rung."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place on the ladder.

    Attributes:
        rung: Index of the rung, or `BASELINE`.
        interrupted: Whether a change from this rung to the next one was interrupted.
    """

    rung: int
    interrupted: bool = False


def find_place(weights: Weights, rungs: Sequence[Shares], limit: int) -> Place | None:
    """Return where the router is; `None` if the weights are no state of the ladder.

    Args:
        weights: Arm to the weights of its servers.
        rungs: Shares of each rung.
        limit: Highest weight that the router accepts.
    """
    if not any(weights[CANDIDATE]):
        return Place(rung=BASELINE)
    if all(len(set(values)) == 1 for values in weights.values()):
        shares = total_shares(weights)
        near = (index for index, rung in enumerate(rungs) if abs(rung.candidate - shares.candidate) < SAME_SHARE)
        if (index := next(near, None)) is not None:
            return Place(rung=index)
    servers = {arm: len(values) for arm, values in weights.items()}
    stops = [integer_weights(rung, servers, limit) for rung in rungs]
    # The weight that the pool had before the first rung is known only while its last server still has it.
    before = {CANDIDATE: 0, TWIN: 0, POOL: weights[POOL][-1]}
    for index, after in enumerate(stops):
        start = {arm: (before[arm],) * count for arm, count in servers.items()}
        if dict(weights) in map(dict, _steps(start, after)):
            return Place(rung=index - 1, interrupted=True)
        before = after
    return None


def total_shares(weights: Weights) -> Shares:
    """Return the shares that the weights of all servers stand for.

    Raises:
        ServiceError: All weights are 0.
    """
    return served_shares({arm: float(sum(values)) for arm, values in weights.items()})


def _steps(before: Weights, after: Mapping[str, int]) -> Iterator[Weights]:
    """Yield the weights after each change of one server on the way, without those of the end."""
    state = dict(before)
    for arm, weight in ordered_changes(before, after):
        for index in range(len(state[arm])):
            state[arm] = (*state[arm][:index], weight, *state[arm][index + 1 :])
            yield dict(state)
