"""Headline of a report: the regression that decides the verdict, or what was measured without one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome
from ghmlops.core.pillars import PILLARS, find_pillar
from ghmlops.report.content.pillar_table import decisive_finding
from ghmlops.report.content.placed_findings import is_confirmation, rows_compared
from ghmlops.report.content.summary_sentence import summary_sentence
from ghmlops.report.text import numbers
from ghmlops.report.text.blocks import Cell, Text, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.core.model import Finding
    from ghmlops.report.content.placed_findings import PlacedFinding

MAX_REASON = 700
MAX_WORDS = 30
"""Words in the clauses of the headline of a passing verdict; the clauses beyond are counted."""


def headline(
    verdict: Verdict,
    entries: Sequence[PlacedFinding],
    failures: Sequence[PlacedFinding],
    evidence: Sequence[Evidence],
) -> Cell:
    """Return the headline; it falls back to the reason of the verdict if no evidence decides it.

    Args:
        verdict: The verdict.
        entries: Its findings with their evidence, the worst first.
        failures: Those that did not pass, without the ones that a confirming run repeats.
        evidence: The evidence files that could be read.
    """
    reason: Cell = (Text(verdict.reason, MAX_REASON),)
    if verdict.outcome is Outcome.PASS:
        return pass_headline(evidence) or reason
    worst = entries[0] if entries else None
    pillar = find_pillar(worst.command) if worst else None
    if worst is None or pillar is None or verdict.override:
        return reason
    findings = [entry for entry in entries if (entry.command, entry.leg) == (worst.command, worst.leg)]
    file = next((e for e in evidence if (e.command, e.leg) == (worst.command, worst.leg)), None)
    decisive = decisive_finding(findings)
    leg: Cell = (Words(" ("), Text(worst.leg, 40), Words(")")) if worst.leg else ()
    return (
        Words(pillar.title, strong=True),
        *leg,
        Words(": "),
        *summary_sentence(findings, decisive, file),
        *_confirmation(verdict, decisive, evidence),
        *_others(failures, worst),
    )


def _confirmation(verdict: Verdict, decisive: PlacedFinding, evidence: Sequence[Evidence]) -> Cell:
    repeated = any(file.command == decisive.command and is_confirmation(file.leg) for file in evidence)
    if repeated and f"{decisive.command}:{decisive.finding.id}" in verdict.confirmed:
        return (Words(" Confirmed on a second, fresh deployment."),)
    return ()


_OTHERS = {
    Outcome.ERROR: "could not be judged",
    Outcome.FAIL: "failed",
    Outcome.INCONCLUSIVE: "{be} inconclusive",
    Outcome.WARN: "{have} a warning",
}


def _others(failures: Sequence[PlacedFinding], worst: PlacedFinding) -> Cell:
    """Return how many other findings have the same outcome as the worst one."""
    outcome = worst.finding.outcome
    others = sum(entry.finding.outcome is outcome for entry in failures) - 1
    if others < 1 or outcome is Outcome.PASS:
        return ()
    verb = _OTHERS[outcome].format(be="is" if others == 1 else "are", have="has" if others == 1 else "have")
    return (Words(f" {numbers.count(others)} more finding{'' if others == 1 else 's'} {verb}."),)


def pass_headline(evidence: Sequence[Evidence]) -> Cell:
    """Return what was measured without a regression, in at most `MAX_WORDS` words; empty if nothing can be named."""
    order = [pillar.command for pillar in PILLARS]
    files = [file for file in evidence if file.command in order and file.findings and not is_confirmation(file.leg)]
    files.sort(key=lambda file: order.index(file.command))
    parts = [part for file in files for part in _clauses(file)]
    if not parts:
        return ()
    compared = any(finding.change for file in files for finding in file.findings)
    lead = "No regression found: " if compared else "All limits are met: "
    number = 1
    while number < len(parts) and len(" ".join(parts[: number + 1]).split()) <= MAX_WORDS:
        number += 1
    more = f", and {len(parts) - number:,} more" if len(parts) > number else ""
    return (Words(f"{lead}{', '.join(parts[:number])}{more}."),)


def _clauses(file: Evidence) -> list[str]:
    """Return what passed in one evidence file, as clauses without untrusted text."""
    if file.command in ("latency", "import"):
        return [_latency_clause(file)]
    if file.command == "capacity":
        rates = [m.values.get("low") for m in file.measurements if m.id == "capacity"]
        scale = numbers.unit_scale("1/s")
        return [f"capacity at least {numbers.number(rate, scale)}" for rate in rates if rate is not None]
    if file.command == "regression":
        return _prediction_clauses(file.findings)
    pillar = find_pillar(file.command)
    return [f"{pillar.title.lower()} passed"] if pillar and not pillar.starts_arms else []


def _latency_clause(file: Evidence) -> str:
    compared = any(finding.change and finding.margin for finding in file.findings)
    medians = [m.values.get("p50") for m in file.measurements if m.id == "response-time" and m.arm == "candidate"]
    p50 = next((value for value in medians if value is not None), None)
    median = "" if p50 is None else f" (p50 {numbers.number(p50, numbers.MILLISECONDS)})"
    return f"latency within its {'margins' if compared else 'objectives'}{median}"


def _prediction_clauses(findings: Sequence[Finding]) -> list[str]:
    rows = rows_compared(findings)
    counts = [
        (kind, sum(finding.n or 0 for finding in findings if finding.id == f"{kind}s-summary"))
        for kind in ("slice", "window")
    ]
    subgroups = " and ".join(f"{numbers.count(n)} {kind}{'' if n == 1 else 's'}" for kind, n in counts if n)
    overall = [f"every overall metric within its margin on {numbers.count(rows)} rows"] if rows else []
    return [*overall, *([f"no regression in {subgroups}"] if subgroups else [])]
