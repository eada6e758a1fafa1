"""The job summary of a command that has no report of its own: its outcome, the reason, and what did not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome
from ghmlops.report.text import escape
from ghmlops.report.text.outcome_text import OUTCOME_LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.model import Finding

MAX_FINDINGS = 20
"""Findings in the list, the worst first; the evidence has all of them."""


def short_summary(command: str, outcome: Outcome, reason: str, findings: Sequence[Finding] = ()) -> str:
    """Return a heading, the reason, and the findings that did not pass as a list of at most `MAX_FINDINGS`.

    Args:
        command: Name of the command (trusted).
        outcome: Its outcome.
        reason: Why (untrusted).
        findings: Its findings.
    """
    failed = sorted((f for f in findings if f.outcome is not Outcome.PASS), key=lambda f: -f.outcome.severity)
    lines = [
        f"- {_label(f.outcome)} {escape.code(f.id, 80)}: {escape.markdown(f.reason, 300)}"
        for f in failed[:MAX_FINDINGS]
    ]
    if len(failed) > MAX_FINDINGS:
        lines.append(f"- {len(failed) - MAX_FINDINGS:,} more findings did not pass.")
    blocks = [f"### {_label(outcome)}: {command}", escape.markdown(reason, 700), "\n".join(lines)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _label(outcome: Outcome) -> str:
    return f"{OUTCOME_LABELS[outcome].symbol} {OUTCOME_LABELS[outcome].word}"
