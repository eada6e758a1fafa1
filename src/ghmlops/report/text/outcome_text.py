"""Texts for each outcome: symbol, word, heading, and what the reader should do next."""

from __future__ import annotations

from typing import NamedTuple

from ghmlops.core.model import Outcome


class OutcomeLabel(NamedTuple):
    """Symbols and words for an outcome. A symbol is always followed by the word."""

    symbol: str
    """Emoji, for GitHub."""
    glyph: str
    """Character in the colour of the text, for the HTML page."""
    word: str
    heading: str


OUTCOME_LABELS = {
    Outcome.ERROR: OutcomeLabel("🛑", "⊘", "error", "could not be judged"),
    Outcome.FAIL: OutcomeLabel("❌", "✕", "fail", "fails"),
    Outcome.INCONCLUSIVE: OutcomeLabel("❔", "?", "inconclusive", "is inconclusive"),
    Outcome.WARN: OutcomeLabel("⚠️", "!", "warn", "passes with warnings"),
    Outcome.PASS: OutcomeLabel("✅", "✓", "pass", "passes"),
}

_ACTION = {
    Outcome.ERROR: "Fix the measurement, then run the workflow again. Until then, this commit has not been judged.",
    Outcome.FAIL: "Do not {verb} yet. Fix the change and push again. If the change is intended, adjust the policy.",
    Outcome.INCONCLUSIVE: "Do not {verb} yet. Run the workflow again to collect more evidence, "
    "or let a person decide and pass the reason to the gate.",
    Outcome.WARN: "Read the warnings below before you {verb}; they do not block.",
    Outcome.PASS: "No action required: this commit may {passive}.",
}
_ACTION_BY_REASON = {
    "nothing-measured": "Measure this commit (`ghmlops check`) and upload the evidence folder.",
    "evidence-missing": "Run the missing command for this commit and upload its evidence folder.",
    "evidence-empty": "Read the log of the measuring job: its evidence contains no finding. Then run it again.",
    "evidence-stale": "Measure this commit again: its evidence is too old or has no time stamp.",
    "evidence-foreign": "Measure this commit: the evidence belongs to a different commit.",
    "evidence-unreadable": "Measure again with the same release of ghmlops and upload the evidence folder unchanged.",
    "guard-split": "Run the workflow again: the arms did not receive the same load.",
    "guard-lateness": "Run the workflow again on a less busy runner, or lower the arrival rate in the policy.",
    "saturation": "Lower the arrival rate in the policy to the one in the reason, or let `poisson: auto` measure it.",
    "guard-data": "Read the log of the services under test: responses are missing. Then run the workflow again.",
    "overridden": "A person made the decision. No further action is required.",
}


def required_action(outcome: Outcome, reason_code: str, environment: str) -> str:
    """Return what the reader should do, in one or two sentences.

    The text says "deploy" if an environment is set and "merge" otherwise; the name of the environment is not quoted.
    """
    by_reason = _ACTION_BY_REASON.get(reason_code) if outcome not in (Outcome.FAIL, Outcome.PASS) else None
    verb, passive = ("deploy", "be deployed") if environment else ("merge", "be merged")
    return (by_reason or _ACTION[outcome]).replace("{passive}", passive).replace("{verb}", verb)
