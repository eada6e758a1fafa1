"""The words a person reads: outcomes with a symbol, what to do next."""

from __future__ import annotations

from typing import NamedTuple

from ghmlops.core.model import Outcome


class OutcomeLabel(NamedTuple):
    """How an outcome is said. The symbol never stands without the word."""

    symbol: str
    """Where pictures of any colour can be trusted: GitHub."""
    glyph: str
    """A plain character that takes the colour of the text."""
    word: str
    heading: str


OUTCOME_LABELS = {
    Outcome.ERROR: OutcomeLabel("🛑", "⊘", "error", "could not be judged"),
    Outcome.FAIL: OutcomeLabel("❌", "✕", "fail", "fails"),
    Outcome.INCONCLUSIVE: OutcomeLabel("❔", "?", "inconclusive", "is not decided"),
    Outcome.WARN: OutcomeLabel("⚠️", "!", "warn", "passes with warnings"),
    Outcome.PASS: OutcomeLabel("✅", "✓", "pass", "passes"),
}

_ACTION = {
    Outcome.ERROR: "Mend the measurement, then run the workflow again. Until then nothing is known about this commit.",
    Outcome.FAIL: "Do not {go}. Mend the change and push again; if the change is meant, say so in the policy.",
    Outcome.INCONCLUSIVE: "Do not {go} yet. Run the workflow again for more evidence, "
    "or let a person decide and give the reason to the gate.",
    Outcome.WARN: "Read the warnings below before you {go}; they do not block.",
    Outcome.PASS: "Nothing to do: this commit may {gone}.",
}
_ACTION_FOR = {
    "nothing-measured": "Measure this commit (`ghmlops check`), and upload the evidence folder.",
    "evidence-missing": "Run the command that is missing for this commit, and upload its evidence folder.",
    "evidence-empty": "Look at the log of the measuring job: it wrote evidence without a finding. Then run it again.",
    "evidence-stale": "Measure this commit again: its evidence is too old, or does not say when it was taken.",
    "evidence-foreign": "Measure this commit: the evidence is another one's.",
    "evidence-unreadable": "Measure again with the same release of ghmlops, and upload the evidence folder as it is.",
    "guard-split": "Run the workflow again: the arms did not get the same load.",
    "guard-lateness": "Run the workflow again on a less busy runner, or lower the arrival rate in the policy.",
    "guard-data": "Look at the log of the services under test: answers are missing. Then run the workflow again.",
    "overridden": "A person took the decision; nothing more is required.",
}


def required_action(outcome: Outcome, reason_code: str, environment: str) -> str:
    """Return what is required of the reader, in one or two sentences. `environment` is only looked at, not quoted."""
    chosen = _ACTION_FOR.get(reason_code) if outcome not in (Outcome.FAIL, Outcome.PASS) else None
    go, gone = ("deploy", "be deployed") if environment else ("merge", "be merged")
    return (chosen or _ACTION[outcome]).replace("{gone}", gone).replace("{go}", go)
