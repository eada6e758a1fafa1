"""Verdict and evidence to a report: what is said, in which order. Pure; no Markdown, no HTML.

The order is the reader's: the verdict, why, what to do; what was compared; one line a pillar; the worst findings; what
was not measured; what passed. Everything else is collapsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.evidence.document import Evidence, Verdict
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.report.content import comment_marker as marker
from ghmlops.report.content import details, findings, pillars, predictions
from ghmlops.report.text import numbers
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import Bullets, Cell, Code, Link, Mark, Report, Section, Table, Text, Words
from ghmlops.report.text.escape import address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.report.content.findings import Placed
    from ghmlops.report.content.run_facts import Facts

WORST = 5
SHORT_SHA = 10


def lay_out(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Report:
    """Lay out the report over one commit.

    Args:
        verdict: the merged judgement.
        evidence: the files it was merged from that could be read, in the order of the folder.
        facts: what else is known of the run.
    """
    placed = findings.worst_first(findings.place(verdict.findings, evidence))
    said = words.SAID[verdict.outcome]
    return Report(
        service=verdict.service,
        outcome=verdict.outcome,
        heading=(Text(verdict.service or "service", 100), Words(f" {said.heading}")),
        why=(Text(verdict.reason, 700),),
        action=words.action(verdict.outcome, verdict.reason_code, verdict.environment),
        subject=_subject(verdict, evidence, facts),
        notices=_notices(verdict, facts),
        pillars=pillars.table(verdict, placed, facts, evidence),
        worst=_worst(placed, facts),
        shown=_shown(placed, evidence),
        not_measured=_not_measured(verdict, evidence),
        passed=_passed(placed),
        sections=_sections(verdict, evidence, facts, placed),
        links=_links(facts),
        whole=_whole(facts),
        marker=f"{marker.marker(verdict.service, facts.workflow)}\n{marker.subject_line(verdict, facts)}",
    )


def _subject(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Cell:
    parts: list[Cell] = [(Words("head "), commit(verdict.commit, facts))]
    bases = [b for b in dict.fromkeys([facts.base_sha, *(e.provenance.base_sha for e in evidence)]) if is_sha(b)]
    if bases:
        parts[0] = (*parts[0], Words(" against base "), commit(bases[0], facts))
    if verdict.environment:
        parts.append((Words("environment "), Code(verdict.environment, 80)))
    rows, requests = measured_rows(evidence), measured_requests(evidence)
    parts += [(Words(f"{numbers.count(rows)} rows"),)] if rows else []
    parts += [(Words(f"{numbers.count(requests)} requests"),)] if requests else []
    parts.append((Words(f"attempt {numbers.count(facts.run_attempt)}"),))
    return tuple(piece for i, part in enumerate(parts) for piece in ((Words(" · "), *part) if i else part))


def commit(sha: str, facts: Facts) -> Link:
    """Name a commit, linked where the server is known."""
    return Link(sha[:SHORT_SHA] if is_sha(sha) else "unknown", facts.commit_url(sha), code=True)


def measured_rows(evidence: Sequence[Evidence]) -> int:
    """Return how many rows were compared, over every `regression` and its data sets."""
    return sum(findings.rows_compared(e.findings) for e in evidence if e.command == "regression")


def measured_requests(evidence: Sequence[Evidence]) -> int:
    """Return how many requests were timed, on both arms."""
    return sum(m.n for e in evidence for m in e.measurements if m.id == "response-time")


def _notices(verdict: Verdict, facts: Facts) -> list[Cell]:
    notices: list[Cell] = []
    if facts.current_head and facts.current_head != verdict.commit:
        notices.append(
            (
                Words("Stale: ", strong=True),
                Words("this report is about "),
                commit(verdict.commit, facts),
                Words(", and the pull request has moved on to "),
                commit(facts.current_head, facts),
                Words("."),
            )
        )
    if facts.previous:
        before = facts.previous
        notices.append(
            (Words("Before: "), Mark(before.outcome), Words(" on "), commit(before.commit, facts), Words("."))
        )
    if verdict.override:
        notices.append((Words("Overridden by a person: ", strong=True), Text(verdict.override, 600)))
    return notices


def _worst(placed: Sequence[Placed], facts: Facts) -> Bullets:
    bad = findings.telling(placed)
    title = "The worst findings" if len(bad) <= WORST else f"The worst {WORST} of {numbers.count(len(bad))} findings"
    return Bullets(title=title, items=[_bullet(p, facts) for p in bad[:WORST]])


def _shown(placed: Sequence[Placed], evidence: Sequence[Evidence]) -> list[Table]:
    """Return what stands open: metrics that did not pass, where the list above names not all, and when it began."""
    named = [(p.finding.dataset, p.finding.metric) for p in findings.telling(placed)[:WORST] if not _part(p)]
    failing = predictions.failing(evidence) if predictions.hidden(evidence, named) else []
    return [*failing, *predictions.opening(evidence)]


def _part(placed: Placed) -> bool:
    return findings.is_part(placed.finding)


def _bullet(placed: Placed, facts: Facts) -> tuple[Cell, Cell]:
    finding = placed.finding
    line: list[Cell] = [(Mark(finding.outcome), Words(" "), *findings.name(finding, facts))]
    if placed.command:
        line.append(findings.where(placed, with_source=True))
    if finding.n is not None:
        line.append((Words(f"n = {numbers.count(finding.n)}"),))
    if finding.candidate is not None or finding.baseline is not None:
        line.append(findings.values(finding))
    if finding.change is not None:
        line.append(findings.change(finding))
    if finding.margin is not None:
        line.append((Words(f"limit {numbers.limit(finding)}"),))
    joined = tuple(piece for i, part in enumerate(line) for piece in ((Words(" · "), *part) if i else part))
    return joined, (Text(finding.reason, 500),)


def _not_measured(verdict: Verdict, evidence: Sequence[Evidence]) -> Bullets:
    listed: dict[NotMeasured, None] = {}
    for entry in (*verdict.not_measured, *(n for e in evidence for n in e.not_measured)):
        listed.setdefault(entry)
    items: list[tuple[Cell, Cell]] = [
        ((Text(entry.what, 200), Words(": "), Text(entry.why, 300)), ()) for entry in listed
    ]
    return Bullets(title="Not measured", items=items, empty="The evidence names nothing that was left out.")


def _passed(placed: Sequence[Placed]) -> Cell:
    total = len(placed)
    passed = sum(1 for p in placed if p.finding.outcome is Outcome.PASS)
    if not total:
        return (Words("Nothing was judged."),)
    return (Words(f"{numbers.count(passed)} of {numbers.count(total)} findings passed."),)


def _sections(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts, placed: Sequence[Placed]) -> list[Section]:
    measured, settings = details.measurements(evidence), details.settings(evidence)
    sections = [Section(title=f"All {numbers.count(len(placed))} findings", tables=[findings.table(placed)])]
    sections += predictions.sections(evidence)
    if measured:
        sections.append(Section(title="All measurements", tables=measured))
    if settings:
        sections.append(Section(title="Details and settings", tables=settings))
    if verdict.evidence:
        sections.append(Section(title="Evidence and fingerprints", tables=details.origins(verdict, evidence)))
    sections.append(
        Section(
            title="Run it again",
            note=(Words("The same verdict from the same commit and seeds:"),),
            commands=details.commands(verdict, evidence, facts),
        )
    )
    return sections


def _links(facts: Facts) -> list[Cell]:
    found = [
        Link("Run and job summary", address(facts.run_url)),
        Link("Evidence (artifact)", address(facts.artifact_url)),
    ]
    return [(link,) for link in found if link.url]


def _whole(facts: Facts) -> Cell:
    if url := address(facts.artifact_url):
        return (Words("in the "), Link("uploaded evidence", url))
    if url := address(facts.run_url):
        return (Words("in the "), Link("run's summary and artifacts", url))
    return (Words("in the folder "), Code(facts.evidence_dir, 120))
