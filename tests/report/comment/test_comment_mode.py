"""When a comment is created."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.report.comment.comment_mode import MODES, check_mode, creates_comment
from report import samples


def verdict(outcome: Outcome, spread: float = 0.01, change: float = 0.0) -> Verdict:
    """Return a verdict with one finding."""
    finding = samples.metric("accuracy", (0.8, 0.8 + change), spread, outcome)
    return samples.merged(samples.evidence("regression", [finding]), required=())


@pytest.mark.parametrize(
    ("result", "modes"),
    [
        (verdict(Outcome.PASS), ["always"]),
        (verdict(Outcome.PASS, change=0.02), ["always", "changes"]),
        (verdict(Outcome.PASS, change=-0.004, spread=0.001), ["always", "changes"]),
        (verdict(Outcome.WARN), ["always", "changes"]),
        (verdict(Outcome.INCONCLUSIVE), ["always", "changes", "failures"]),
        (verdict(Outcome.FAIL), ["always", "changes", "failures"]),
        (verdict(Outcome.ERROR), ["always", "changes", "failures"]),
    ],
)
def test_modes_by_outcome(result: Verdict, modes: list[str]) -> None:
    """`changes` includes clear improvements; `failures` is what the gate stops; `off` is never."""
    assert [mode for mode in MODES if creates_comment(mode, result)] == modes


@pytest.mark.parametrize("mode", ["true", "false", "", "Always", "x" * 100])
def test_an_unknown_mode_is_an_error_that_lists_all(mode: str) -> None:
    """One line with the four modes; a long value is truncated."""
    with pytest.raises(InputError) as caught:
        check_mode(mode)
    assert all(name in caught.value.message for name in MODES)
    assert len(caught.value.message) < 150
