"""Texts for outcomes: every outcome has a label and an action, and neither contains untrusted text."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.text.outcome_text import OUTCOME_LABELS, required_action


def test_every_outcome_has_a_distinct_label() -> None:
    """Symbol, glyph, word and heading differ between outcomes; the word is the value of the outcome."""
    assert list(OUTCOME_LABELS) == list(Outcome)
    assert all(label.word == outcome.value for outcome, label in OUTCOME_LABELS.items())
    assert all(len(set(column)) == len(Outcome) for column in zip(*OUTCOME_LABELS.values(), strict=True))


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize(("environment", "verb"), [("", "merge"), ("production", "deploy")])
def test_the_action_names_what_follows(outcome: Outcome, environment: str, verb: str) -> None:
    """The text speaks of the merge or of the deployment, never of both, and does not quote the environment."""
    text = required_action(outcome, "", environment)
    assert "{" not in text
    assert "production" not in text
    assert ({"merge": "deploy", "deploy": "merge"}[verb]) not in text
    assert outcome is Outcome.ERROR or verb in text


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.PASS])
def test_a_reason_code_does_not_replace_the_action_of_a_clear_outcome(outcome: Outcome) -> None:
    """Only `error`, `inconclusive` and `warn` have actions that depend on the reason code."""
    assert required_action(outcome, "evidence-stale", "") == required_action(outcome, "", "")
    assert required_action(Outcome.ERROR, "evidence-stale", "") != required_action(Outcome.ERROR, "", "")
