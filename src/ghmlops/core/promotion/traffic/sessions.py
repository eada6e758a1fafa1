"""Requests of one session depend on each other: which of them show something about the arms.

A session that a broken account or payload makes fail goes on failing, so that its requests are no independent trials.
After its first failed request, a session is judged no more. Given that a session has not failed yet, its next request
fails no more often than a first one does: the sessions that are prone to fail leave first. So an error objective for
requests holds for those that are counted, and the error e-process stays valid.

Of the traffic split, and of response times, only the first request of a session shows something: the later ones follow
it to its server if sessions are sticky, and have its payloads.

Source: Vaupel, Manton, Stallard (1979), Demography 16, 439-454, on hazards of populations of unequal frailty.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.latency.constants import SPLIT_P
from ghmlops.core.promotion.weights import ARMS
from ghmlops.core.stats.binomial import p_at_least

if TYPE_CHECKING:
    from ghmlops.core.promotion.weights import Shares

MAX_SESSIONS = 500_000
"""Sessions that are remembered; of more, the oldest are forgotten, which costs about 100 bytes each."""


class Role(NamedTuple):
    """What one request shows.

    Attributes:
        is_first: Whether it is the first of its session, so that the weights routed it.
        is_judged: Whether its session had no failed request before.
    """

    is_first: bool
    is_judged: bool


class Sessions:
    """The sessions so far.

    Attributes:
        pinned: Requests that a cookie routed, as the router reports it.
        unnamed: Of these, those without a session, whose dependence is not taken into account.
        named: Requests with a session.
    """

    __slots__ = ("_failed", "_homes", "_returns", "_same", "named", "pinned", "unnamed")

    def __init__(self) -> None:
        self._homes: dict[str, str] = {}
        self._failed: set[str] = set()
        self._returns: Counter[str] = Counter()
        self._same: Counter[str] = Counter()
        self.pinned = self.unnamed = self.named = 0

    def add(self, arm: str, session: str, *, failed: bool, pinned: bool) -> Role:
        """Add a request, in the order of arrival, and return what it shows.

        Args:
            arm: Arm that answered.
            session: Its session; empty if there is none.
            failed: Whether it failed.
            pinned: Whether the router reports that a cookie routed it.
        """
        self.pinned += pinned
        if not session:
            self.unnamed += pinned
            return Role(is_first=not pinned, is_judged=True)
        self.named += 1
        home, has_failed = self._homes.get(session), session in self._failed
        if home is not None:
            self._returns[home] += 1
            self._same[home] += home == arm
        self._remember(session, arm, failed=failed)
        return Role(is_first=home is None and not pinned, is_judged=not has_failed)

    def add_by_header(self, arm: str, session: str, *, failed: bool) -> Role:
        """Add a request that a header routed, and return what it shows: nothing about the weights.

        Args:
            arm: Arm that answered.
            session: Its session; empty if there is none.
            failed: Whether it failed.
        """
        if not session:
            return Role(is_first=False, is_judged=True)
        has_failed = session in self._failed
        self._remember(session, arm, failed=failed)
        return Role(is_first=False, is_judged=not has_failed)

    def start_rung(self) -> None:
        """Begin a new rung: returning sessions are compared with its shares."""
        self._returns.clear()
        self._same.clear()

    def are_sticky(self, shares: Shares) -> bool:
        """Return whether sessions return to their arm more often than the shares explain.

        Args:
            shares: Shares since the rung began.
        """
        return any(
            self._returns[arm] > 0 and p_at_least(self._same[arm], self._returns[arm], shares.share(arm)) < SPLIT_P
            for arm in ARMS
            if 0.0 < shares.share(arm) < 1.0
        )

    def _remember(self, session: str, arm: str, *, failed: bool) -> None:
        self._homes[session] = arm
        if failed:
            self._failed.add(session)
        if len(self._homes) > MAX_SESSIONS:
            oldest = next(iter(self._homes))
            del self._homes[oldest]
            self._failed.discard(oldest)
