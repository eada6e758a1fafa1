"""Sessions: which requests are judged, which ones the weights routed, and whether sessions stay at their arm."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.promotion.error_process import ErrorProcess
from ghmlops.core.promotion.traffic import sessions as module
from ghmlops.core.promotion.traffic.sessions import Role, Sessions
from ghmlops.core.promotion.weights import Shares

SHARES = Shares(candidate=0.1, twin=0.1, pool=0.8)


def test_a_session_is_judged_up_to_its_first_failure() -> None:
    """Its first request alone was routed by the weights; requests without a session stand for themselves."""
    sessions = Sessions()
    roles = [
        sessions.add("candidate", name, failed=failed, pinned=False)
        for name, failed in (("a", False), ("a", True), ("a", True), ("b", True), ("", True), ("", True))
    ]
    judged = [True, True, False, True, True, True]
    first = [True, False, False, True, True, True]
    assert roles == [Role(is_first=f, is_judged=j) for f, j in zip(first, judged, strict=True)]


def test_a_request_that_a_cookie_routed_is_not_first() -> None:
    """Even if its session is new to this log."""
    sessions = Sessions()
    assert not sessions.add("pool", "old", failed=False, pinned=True).is_first
    assert not sessions.add("pool", "", failed=False, pinned=True).is_first
    assert (sessions.pinned, sessions.unnamed, sessions.named) == (2, 1, 1)


@pytest.mark.parametrize("sticky", [True, False])
def test_sticky_sessions_are_detected(*, sticky: bool) -> None:
    """Ten sessions of five requests each, that return to their arm, or are split anew each time."""
    random, sessions = np.random.default_rng(1), Sessions()
    homes = dict[int, str]()
    for number in range(2000):
        arm = str(random.choice(["candidate", "twin", "pool"], p=[0.1, 0.1, 0.8]))
        arm = homes.setdefault(number % 400, arm) if sticky else arm
        sessions.add(arm, str(number % 400), failed=False, pinned=False)
    assert sessions.are_sticky(SHARES) is sticky
    sessions.start_rung()
    assert not sessions.are_sticky(SHARES)


def test_a_request_that_a_header_routed_shows_nothing_about_the_weights() -> None:
    """A session of testers always returns to the candidate, which is no stickiness; it is judged as every other."""
    sessions = Sessions()
    roles = [
        sessions.add_by_header("candidate", name, failed=failed)
        for name, failed in (("a", False), ("a", True), ("a", True), ("", True), ("", True), *[("b", False)] * 50)
    ]
    assert [role.is_judged for role in roles[:5]] == [True, True, False, True, True]
    assert not any(role.is_first for role in roles)
    assert not sessions.are_sticky(SHARES)
    assert (sessions.pinned, sessions.unnamed, sessions.named) == (0, 0, 0)


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest session is forgotten first."""
    monkeypatch.setattr(module, "MAX_SESSIONS", 3)
    sessions = Sessions()
    for name in "abcd":
        sessions.add("pool", name, failed=True, pinned=False)
    assert sessions.add("pool", "d", failed=True, pinned=False) == Role(is_first=False, is_judged=False)
    assert sessions.add("pool", "a", failed=True, pinned=False) == Role(is_first=True, is_judged=True)


def test_broken_sessions_are_no_broken_candidate() -> None:
    """Of good candidates with a session of 40 failed requests now and then, hardly one fails; row by row, most do."""
    by_session, by_row = 0, 0
    for seed in range(40):
        random, sessions = np.random.default_rng(seed), Sessions()
        judged, rows = ErrorProcess(0.001), ErrorProcess(0.001)
        for number in range(500):
            broken = bool(random.random() < 0.001 * 4)
            for _ in range(40 if broken else 4):
                role = sessions.add("candidate", str(number), failed=broken, pinned=False)
                rows.feed(0 if broken else 1, failed=broken)
                if role.is_judged:
                    judged.feed(0 if broken else 1, failed=broken)
        by_session += judged.alarm is not None
        by_row += rows.alarm is not None
    assert by_session <= 1
    assert by_row >= 20
