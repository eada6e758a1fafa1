"""Findings of a shadow run; more of them are tested by the command."""

from __future__ import annotations

import pytest

from core.shadow.test_comparison import OK, answer
from ghmlops.core.answers.constants import TEST_ALPHA
from ghmlops.core.answers.places import judge_places
from ghmlops.core.answers.walk import Aspect, Place
from ghmlops.core.model import Outcome
from ghmlops.core.policy.before_traffic.shadow import Compare, Shadow, ShadowMargins
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.details import is_private
from ghmlops.core.shadow.findings import findings, not_measured
from ghmlops.core.shadow.outcome import Proof, Question, Run

LABEL = Place("$.label", Aspect.VALUE)


def outcomes(run: Run) -> dict[str, Outcome]:
    """Return the outcome of each finding."""
    return {finding.id.removeprefix("shadow-"): finding.outcome for finding in findings(run)}


def run_of(policy: Shadow, rows: int = 1000, changed: int = 0, **more: object) -> Run:
    """Return a run in which the label of some rows changed."""
    comparison = Comparison()
    for row in range(rows):
        label = b'{"label": %d}'
        candidate = answer(label % (row < changed))
        comparison.add(row, "e", (answer(label % 0), answer(label % 0), candidate))
    verdicts = judge_places(comparison.tallies, TEST_ALPHA)
    return Run(policy=policy, comparison=comparison, verdicts=verdicts, **more)  # type: ignore[arg-type]


def test_nothing_compared_passes_nothing() -> None:
    """Without an answer no finding passes, whatever the policy."""
    margins = ShadowMargins(disagreement=0.1, decisions=0.1)
    policy = Shadow(requests="r", margins=margins, compare=Compare(decision="$.label"))
    assert set(outcomes(run_of(policy, rows=0)).values()) == {Outcome.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("changed", "margin", "expected"),
    [
        (0, 0.01, Outcome.PASS),
        (100, 0.05, Outcome.FAIL),
        (12, 0.01, Outcome.FAIL),
        (8, 0.01, Outcome.INCONCLUSIVE),
        (8, 0.05, Outcome.PASS),
    ],
)
def test_margins_are_judged_by_their_interval(changed: int, margin: float, expected: Outcome) -> None:
    """Beyond the margin fails, surely within it passes, anything else is inconclusive."""
    policy = Shadow(
        requests="r",
        margins=ShadowMargins(disagreement=margin, decisions=margin),
        compare=Compare(decision="$.label"),
    )
    result = outcomes(run_of(policy, changed=changed))
    assert (result["decisions"], result["disagreement"]) == (expected, expected)
    assert result["values"] is Outcome.PASS


@pytest.mark.parametrize(
    ("repeatable", "places", "expected"),
    [
        (False, None, Outcome.WARN),
        (True, None, Outcome.FAIL),
        (False, frozenset({("e", LABEL)}), Outcome.FAIL),
        (False, frozenset[tuple[str, Place]](), Outcome.PASS),
    ],
)
def test_single_changes_fail_only_if_a_restart_confirms_them(
    repeatable: bool, places: frozenset[tuple[str, Place]] | None, expected: Outcome
) -> None:
    """A proof of one process fails in a run that is repeated or repeats one; a repeated run judges the same places."""
    proof = Proof(Question("e", 0, LABEL), 6, proven=True)
    policy = Shadow(requests="r", expect="same")
    run = run_of(policy, changed=1, proofs=[proof], repeatable=repeatable, places=places)
    assert outcomes(run)["single-answers"] is expected


def test_what_was_not_compared_is_listed() -> None:
    """Refused requests, a truncated recording and a missing twin are named."""
    run = run_of(Shadow(requests="r", twin=False), rows=1)
    run.comparison.refuse("unsafe method", "row 1")
    assert len(not_measured(run, truncated=True)) == 3


@pytest.mark.parametrize(
    ("path", "private"),
    [
        ("$.user.name", True),
        ("$.users[].name", True),
        ('$["first name"]', True),
        ("$.named", False),
        ("$.name[].x", True),
    ],
)
def test_private_fields_are_recognised_at_any_depth(path: str, private: bool) -> None:
    """A path through a private field is private."""
    assert is_private(path, ("name", "first name")) is private


def test_ok_answers_pass() -> None:
    """Equal answers pass every finding."""
    comparison = Comparison()
    comparison.add(1, "e", (OK, OK, OK))
    run = Run(policy=Shadow(requests="r"), comparison=comparison, verdicts=[])
    assert set(outcomes(run).values()) == {Outcome.PASS}
