"""Whether the router splits the traffic as its weights say: counts of requests per arm against shares."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.latency.constants import SPLIT_P
from ghmlops.core.promotion.weights import ARMS
from ghmlops.core.stats.binomial import p_at_least

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ghmlops.core.promotion.weights import Shares


class Split(StrEnum):
    """Result of the comparison of counts with shares."""

    IN_EFFECT = "in-effect"
    UNKNOWN = "unknown"
    """Too few requests to tell the new shares from the old ones."""
    NOT_IN_EFFECT = "not-in-effect"
    """The counts contradict the new shares."""


def compare_split(counts: Mapping[str, int], *, before: Shares, after: Shares) -> Split:
    """Return whether the counts since a change show that the new shares are in effect.

    They do if they reject the shares before the change and do not reject those after it. No requests show nothing.

    Args:
        counts: Arm to its number of requests since the change.
        before: Shares before the change.
        after: Shares as the router represents them.
    """
    if smallest_p(counts, after) < SPLIT_P:
        return Split.NOT_IN_EFFECT
    if before == after:
        return Split.IN_EFFECT if sum(counts.values()) else Split.UNKNOWN
    return Split.IN_EFFECT if smallest_p(counts, before) < SPLIT_P else Split.UNKNOWN


def smallest_p(counts: Mapping[str, int], shares: Shares) -> float:
    """Return the smallest two-sided p-value of the exact binomial tests of each arm, times the number of arms.

    Args:
        counts: Arm to its number of requests.
        shares: The shares that the counts are compared with.
    """
    total = sum(counts.get(arm, 0) for arm in ARMS)
    values = [_p(counts.get(arm, 0), total, shares.share(arm)) for arm in ARMS]
    return min(1.0, min(values) * len(ARMS))


def _p(count: int, total: int, share: float) -> float:
    if total == 0:
        return 1.0
    if share in (0.0, 1.0):
        return 1.0 if count == total * share else 0.0
    return min(1.0, 2.0 * min(p_at_least(count, total, share), p_at_least(total - count, total, 1.0 - share)))
