"""Findings about outcomes that were joined with requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCS = "actions/harvest/README.md#outcomes"


def outcome_findings(states: Mapping[str, int], mature_requests: int) -> list[Finding]:
    """Return the findings.

    Args:
        states: number of outcomes by what became of them; they sum to the rows of the file.
        mature_requests: requests that are old enough for a label.
    """
    total, matched = sum(states.values()), states["matched"]
    rest = ", ".join(f"{count:,} {state}" for state, count in states.items() if state != "matched")
    share = f" of {mature_requests:,} requests that are old enough" if mature_requests else ""
    findings = [
        Finding(
            id="harvest-outcomes",
            metric="outcomes",
            outcome=Outcome.PASS if matched else Outcome.INCONCLUSIVE,
            reason=f"{matched:,}{share} have an outcome; of {total:,} outcomes, {rest} do not count.",
            docs=_DOCS,
            description="Outcomes belong to requests, and are old enough.",
            n=total,
        )
    ]
    for state, name, why in (
        ("contradicting", "harvest-contradictions", "have a request with several labels; none of them counts"),
        ("early", "harvest-early", "are earlier than their request: a clock or the join key is wrong"),
    ):
        if states[state]:
            findings.append(
                Finding(
                    id=name,
                    metric="outcomes",
                    outcome=Outcome.WARN,
                    reason=f"{states[state]:,} outcomes {why}.",
                    docs=_DOCS,
                    description="Outcomes belong to requests, and are old enough.",
                    n=states[state],
                )
            )
    return findings
