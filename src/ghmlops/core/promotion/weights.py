"""Shares of the traffic per arm, the integers with which a router represents them, and the order of changes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

CANDIDATE, TWIN, POOL = "candidate", "twin", "pool"
ARMS = (CANDIDATE, TWIN, POOL)
"""The candidate, a fresh copy of the baseline that receives as much traffic, and the rest of the baseline."""
_TOLERANCE = 1e-9


class Shares(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of the traffic per arm, between 0 and 1, with a sum of 1.

    Raises:
        ValueError: A share is negative or not finite, or the sum is not 1 (a bug, not an input).
    """

    candidate: float
    twin: float = 0.0
    pool: float = 0.0

    def __post_init__(self) -> None:
        shares = (self.candidate, self.twin, self.pool)
        if not all(0.0 <= share <= 1.0 for share in shares) or abs(sum(shares) - 1.0) > _TOLERANCE:
            raise ValueError(f"shares are between 0 and 1 with a sum of 1, got {shares}")

    def share(self, arm: str) -> float:
        """Return the share of one arm."""
        return float(getattr(self, arm))


BASELINE_ONLY = Shares(candidate=0.0, pool=1.0)
"""The state before a promotion and after a rollback."""


def rung_shares(share: float, *, with_twin: bool) -> Shares:
    """Return the shares of a rung: the twin receives as much as the candidate, as long as there is as much left.

    Args:
        share: Share of the candidate, between 0 and 1.
        with_twin: Whether the target has a twin.
    """
    twin = min(share, 1.0 - share) if with_twin else 0.0
    return Shares(candidate=share, twin=twin, pool=max(0.0, 1.0 - share - twin))


def shares_of(weights: Mapping[str, float]) -> Shares | None:
    """Return the shares that a router's weights stand for; `None` if all weights are 0, so that nothing is served.

    Args:
        weights: Arm to the sum of the weights of its servers.

    Raises:
        ValueError: A weight is negative or not finite.
    """
    if any(not 0.0 <= weight < float("inf") for weight in weights.values()):
        raise ValueError(f"weights are not negative, got {dict(weights)}")
    total = sum(weights.values())
    if total <= 0.0:
        return None
    twin, candidate = weights.get(TWIN, 0.0) / total, weights.get(CANDIDATE, 0.0) / total
    return Shares(candidate=candidate, twin=twin, pool=max(0.0, 1.0 - twin - candidate))


def served_shares(weights: Mapping[str, float]) -> Shares:
    """Return the shares that a router's weights stand for; see `shares_of`.

    Raises:
        ServiceError: All weights are 0.
    """
    shares = shares_of(weights)
    if shares is None:
        raise ServiceError(
            "all weights of the target are 0, so that nothing is served",
            hint="give the baseline a weight, then start again",
            reason_code="no-weights",
        )
    return shares


def integer_weights(shares: Shares, servers: Mapping[str, int], limit: int) -> dict[str, int]:
    """Return the integer weight of every server of each arm that represents the shares best, and not above the rung.

    All servers of an arm have the same weight. An arm with a share has a weight of at least 1. Of all scales, the one
    with the smallest largest error is taken among those in which the candidate does not exceed its share; if there is
    none, because the share is smaller than the router can represent, the smallest excess is taken.

    Args:
        shares: The shares.
        servers: Arm to its number of servers; an arm without servers must have no share.
        limit: Highest weight that the router accepts, e.g. 256 for HAProxy.

    Returns:
        Arm to the weight of each of its servers.

    Raises:
        ValueError: An arm with a share has no server.
    """
    return dict(_integer_weights(shares, tuple(servers.items()), limit))


@lru_cache(maxsize=256)
def _integer_weights(shares: Shares, counts: tuple[tuple[str, int], ...], limit: int) -> Mapping[str, int]:
    servers = dict(counts)
    missing = [arm for arm in ARMS if shares.share(arm) > 0 and not servers.get(arm)]
    if missing:
        raise ValueError(f"there is no server for the {missing[0]}")
    per_server = {arm: shares.share(arm) / servers[arm] for arm in ARMS if servers.get(arm)}
    largest = max(per_server.values())
    best: tuple[float, float, int] | None = None
    best_weights: dict[str, int] = {}
    for top in range(1, limit + 1):
        weights = {arm: _rounded(share * top / largest, share, limit) for arm, share in per_server.items()}
        represented = shares_of({arm: float(weight * servers[arm]) for arm, weight in weights.items()})
        if represented is None:
            continue
        excess = max(0.0, represented.candidate - shares.candidate - _TOLERANCE)
        error = max(abs(represented.share(arm) - shares.share(arm)) for arm in ARMS)
        rank = (excess, round(error, 12), top)
        if best is None or rank < best:
            best, best_weights = rank, weights
    return best_weights


def represented_shares(shares: Shares, servers: Mapping[str, int], limit: int) -> Shares:
    """Return the shares that a router really has for the shares that are wanted; see `integer_weights`.

    Raises:
        ValueError: An arm with a share has no server.
    """
    weights = integer_weights(shares, servers, limit)
    represented = shares_of({arm: float(weight * servers[arm]) for arm, weight in weights.items()})
    if represented is None:
        raise ValueError("the arms with a share have no weight")
    return represented


def _rounded(weight: float, share: float, limit: int) -> int:
    return min(limit, max(1, round(weight))) if share > 0 else 0


def ordered_changes(before: Mapping[str, tuple[int, ...]], after: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the changes of weight in an order in which nothing is ever without a server.

    First the baseline arms that rise, then the candidate, then the baseline arms that fall: at no point are all weights
    0, and the candidate's share never exceeds the larger of its shares before and after.

    Args:
        before: Arm to the weights of its servers, as the router has them; after an interrupted change they differ.
        after: Arm to the weight of each server, as it should become.

    Returns:
        Pairs of arm and new weight, without those that stay.
    """

    def rank(arm: str) -> int:
        if arm == CANDIDATE:
            return 1
        return 0 if after[arm] >= max(before.get(arm, (0,))) else 2

    changed = [arm for arm in after if set(before.get(arm, ())) != {after[arm]}]
    return [(arm, after[arm]) for arm in sorted(changed, key=rank)]
