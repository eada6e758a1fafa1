"""Decisions of the walk: a table of moments."""

from __future__ import annotations

import math

import pytest

from ghmlops.core.policy.promote import Promote, Reactions, Rung
from ghmlops.core.policy.target import DryRunTarget
from ghmlops.core.promotion.rung import Ruling, State
from ghmlops.core.promotion.split import Split
from ghmlops.core.promotion.walk import Advance, Complete, Position, Stop, Wait, next_decision

POLICY = Promote(
    target=DryRunTarget(),
    ladder=(0.1, 1.0),
    rung=Rung(min_requests=100, max_duration=600.0, settle=30.0, bake=60.0),
    on=Reactions(fail="rollback", inconclusive="hold", low_traffic="rollback"),
    watch=120.0,
)
NEW = Position(rung=0, since=1_000.0)
SETTLED = Position(rung=0, since=1_000.0, effective=1_010.0)
PASSED = Position(rung=0, since=1_000.0, effective=1_010.0, passed=1_100.0)
LAST = Position(rung=1, since=2_000.0, effective=2_010.0, passed=2_100.0)
QUIET = Ruling(state=State.UNDECIDED, reason_code="low-traffic", reason="-")
OPEN = Ruling(state=State.UNDECIDED, reason_code="latency-undecided", reason="-")
GOOD = Ruling(state=State.PASS, reason_code="rung-passed", reason="-")
BAD = Ruling(state=State.FAIL, reason_code="errors-above-objective", reason="-")
SICK = Ruling(state=State.HOLD, reason_code="environment", reason="-")


@pytest.mark.parametrize(
    ("position", "split", "ruling", "now", "kind", "code"),
    [
        (NEW, Split.UNKNOWN, QUIET, 1_005.0, Wait, ""),
        (NEW, Split.NOT_IN_EFFECT, QUIET, 1_020.0, Wait, ""),
        (NEW, Split.NOT_IN_EFFECT, GOOD, 1_031.0, Stop, "split-not-in-effect"),
        (NEW, Split.UNKNOWN, QUIET, 1_601.0, Stop, "low-traffic"),
        (NEW, Split.UNKNOWN, BAD, 1_001.0, Stop, "errors-above-objective"),
        (NEW, Split.NOT_IN_EFFECT, SICK, 1_001.0, Stop, "environment"),
        (SETTLED, Split.IN_EFFECT, QUIET, 1_500.0, Wait, ""),
        (SETTLED, Split.IN_EFFECT, QUIET, 1_601.0, Stop, "low-traffic"),
        (SETTLED, Split.IN_EFFECT, OPEN, 1_601.0, Stop, "latency-undecided"),
        (SETTLED, Split.IN_EFFECT, BAD, 1_500.0, Stop, "errors-above-objective"),
        (PASSED, Split.IN_EFFECT, GOOD, 1_159.0, Wait, ""),
        (PASSED, Split.IN_EFFECT, GOOD, 1_160.0, Advance, ""),
        (PASSED, Split.IN_EFFECT, BAD, 1_160.0, Stop, "errors-above-objective"),
        (LAST, Split.IN_EFFECT, GOOD, 2_219.0, Wait, ""),
        (LAST, Split.IN_EFFECT, GOOD, 2_220.0, Complete, ""),
        (PASSED, Split.IN_EFFECT, GOOD, 500.0, Wait, ""),
    ],
)
def test_decision(position: Position, split: Split, ruling: Ruling, now: float, kind: type, code: str) -> None:
    """A failure counts at any moment, nothing passes before the split is in effect, and a clock set back waits."""
    decision = next_decision(POLICY, position, split, ruling, now, silent=0.0)
    assert type(decision) is kind
    assert getattr(decision, "reason_code", "") == code


@pytest.mark.parametrize(
    ("ruling", "reaction"), [(BAD, "rollback"), (SICK, "hold"), (QUIET, "rollback"), (OPEN, "hold")]
)
def test_reactions_are_those_of_the_policy(ruling: Ruling, reaction: str) -> None:
    """A sick environment is a hold, whatever the policy says about failures."""
    decision = next_decision(POLICY, SETTLED, Split.IN_EFFECT, ruling, 1_601.0, silent=0.0)
    assert isinstance(decision, Stop)
    assert decision.reaction == reaction


def test_moments_are_remembered() -> None:
    """The time of effect and of the pass, from which the bake counts."""
    first = next_decision(POLICY, NEW, Split.IN_EFFECT, QUIET, 1_012.0, silent=0.0)
    assert isinstance(first, Wait)
    assert first.position.effective == 1_012.0
    second = next_decision(POLICY, first.position, Split.IN_EFFECT, GOOD, 1_050.0, silent=0.0)
    assert isinstance(second, Wait)
    assert second.position.passed == 1_050.0
    assert next_decision(POLICY, second.position, Split.IN_EFFECT, GOOD, 1_110.0, silent=0.0) == Advance(rung=1)


@pytest.mark.parametrize(
    ("position", "ruling", "now", "silent", "kind", "code"),
    [
        (PASSED, GOOD, 1_160.0, 30.0, Advance, ""),
        (PASSED, GOOD, 1_160.0, 31.0, Wait, ""),
        (PASSED, GOOD, 1_760.0, 31.0, Wait, ""),
        (PASSED, GOOD, 1_761.0, 31.0, Stop, "low-traffic"),
        (LAST, GOOD, 2_220.0, math.inf, Wait, ""),
        (LAST, GOOD, 2_821.0, math.inf, Stop, "low-traffic"),
        (LAST, OPEN, 2_220.0, 0.0, Wait, ""),
        (LAST, OPEN, 2_821.0, 0.0, Stop, "latency-undecided"),
    ],
)
def test_time_alone_never_advances(
    position: Position, ruling: Ruling, now: float, silent: float, kind: type, code: str
) -> None:
    """After the pass, a log that fell silent or a ruling that is open again waits, and then stops."""
    decision = next_decision(POLICY, position, Split.IN_EFFECT, ruling, now, silent=silent)
    assert type(decision) is kind
    assert getattr(decision, "reason_code", "") == code
