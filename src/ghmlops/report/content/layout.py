"""Order and content of a report, independent of its format.

First comes what the reader needs: the verdict, the headline, what to do, what was compared, one row per pillar, the
worst findings, what was not measured, and what passed. Everything else is collapsed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.context import is_sha
from ghmlops.core.model import NotMeasured, Outcome
from ghmlops.report.content import evidence_tables, prediction_sections
from ghmlops.report.content import finding_cells as cells
from ghmlops.report.content.answers.side_by_side import answer_sections
from ghmlops.report.content.headline import headline
from ghmlops.report.content.pillar_table import pillar_table
from ghmlops.report.content.placed_findings import (
    is_subgroup,
    place_findings,
    rank_failures,
    rank_findings,
    rows_compared,
)
from ghmlops.report.content.reproduce_commands import reproduce_commands
from ghmlops.report.content.what_changed import commit_link, what_changed
from ghmlops.report.text import numbers
from ghmlops.report.text import outcome_text as words
from ghmlops.report.text.blocks import Bullets, Cell, Code, Link, Mark, Report, Section, Table, Text, Words
from ghmlops.report.text.escape import safe_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.placed_findings import PlacedFinding
    from ghmlops.report.content.run_facts import Facts

MAX_WORST = 5
"""Findings in the list of the worst ones."""


def lay_out(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Report:
    """Return the report on one commit.

    Args:
        verdict: The merged judgement.
        evidence: The files it was merged from that could be read, in the order of the folder.
        facts: The run and its links.
    """
    entries = rank_findings(place_findings(verdict.findings, evidence))
    failures = rank_failures(entries)
    outcome = words.OUTCOME_LABELS[verdict.outcome]
    return Report(
        service=verdict.service,
        outcome=verdict.outcome,
        heading=(Text(verdict.service or "service", 100), Words(f" {outcome.heading}")),
        reason=headline(verdict, entries, failures, evidence),
        action=words.required_action(verdict.outcome, verdict.reason_code, verdict.environment),
        subject=compared_commits(verdict, evidence, facts),
        notices=notices(verdict, facts),
        pillars=pillar_table(verdict, entries, facts, evidence),
        worst=_worst_findings(failures, facts),
        open_tables=_open_tables(failures, evidence),
        not_measured=_not_measured(verdict, evidence),
        passed=_passed(entries),
        sections=_sections(verdict, evidence, facts, entries),
        links=links(facts),
        full_report=full_report(facts),
    )


def compared_commits(verdict: Verdict, evidence: Sequence[Evidence], facts: Facts) -> Cell:
    """Return what was compared: commits, environment, rows, requests, attempt."""
    head: Cell = (Words("head "), commit_link(verdict.commit, facts))
    bases = [b for b in dict.fromkeys([facts.base_sha, *(e.provenance.base_sha for e in evidence)]) if is_sha(b)]
    if bases:
        head = (*head, Words(" against base "), commit_link(bases[0], facts))
    parts: list[Cell] = [head]
    if verdict.environment:
        parts.append((Words("environment "), Code(verdict.environment, 80)))
    rows, requests = measured_rows(evidence), measured_requests(evidence)
    parts += [(Words(f"{numbers.count(rows)} rows"),)] if rows else []
    parts += [(Words(f"{numbers.count(requests)} requests"),)] if requests else []
    parts.append((Words(f"attempt {numbers.count(facts.run_attempt)}"),))
    return cells.joined_cell(parts)


def measured_rows(evidence: Sequence[Evidence]) -> int:
    """Return the number of compared rows, over all evidence of `regression` and its data sets."""
    return sum(rows_compared(file.findings) for file in evidence if file.command == "regression")


def measured_requests(evidence: Sequence[Evidence]) -> int:
    """Return the number of timed requests, over all arms."""
    return sum(m.n for file in evidence for m in file.measurements if m.id == "response-time")


def notices(verdict: Verdict, facts: Facts) -> list[Cell]:
    """Return what a reader must know about the report itself: stale, previous outcome, overridden."""
    lines: list[Cell] = []
    if facts.current_head and facts.current_head != verdict.commit:
        lines.append(
            (
                Words("Stale: ", strong=True),
                Words("this report is about "),
                commit_link(verdict.commit, facts),
                Words(", but the head of the pull request is now "),
                commit_link(facts.current_head, facts),
                Words("."),
            )
        )
    if previous := facts.previous:
        commit = commit_link(previous.commit, facts)
        lines.append((Words("Previous report: "), Mark(previous.outcome), Words(" on "), commit, Words(".")))
    if verdict.override:
        lines.append((Words("Overridden: ", strong=True), Text(verdict.override, 600)))
    return lines


def _worst_findings(failures: Sequence[PlacedFinding], facts: Facts) -> Bullets:
    total = numbers.count(len(failures))
    title = "The worst findings" if len(failures) <= MAX_WORST else f"The worst {MAX_WORST} of {total} findings"
    return Bullets(title=title, items=[_bullet(entry, facts) for entry in failures[:MAX_WORST]])


def _open_tables(failures: Sequence[PlacedFinding], evidence: Sequence[Evidence]) -> list[Table]:
    """Return the tables that are not collapsed: failed metrics that the list of the worst lacks, and the timeline."""
    worst = [entry.finding for entry in failures[:MAX_WORST]]
    listed = [(finding.dataset, finding.metric) for finding in worst if not is_subgroup(finding)]
    omitted = prediction_sections.omits_failed_metric(evidence, listed)
    metrics = prediction_sections.failed_metrics(evidence) if omitted else []
    return [*metrics, *prediction_sections.open_timeline(evidence)]


def _bullet(entry: PlacedFinding, facts: Facts) -> tuple[Cell, Cell]:
    finding = entry.finding
    parts: list[Cell] = [(Mark(finding.outcome), Words(" "), *cells.rule_cell(finding, facts))]
    if entry.command:
        parts.append(cells.location_cell(entry, with_evidence=True))
    if finding.n is not None:
        parts.append((Words(f"n = {numbers.count(finding.n)}"),))
    if finding.candidate is not None or finding.baseline is not None:
        parts.append(cells.values_cell(finding))
    if finding.change is not None:
        parts.append(cells.change_cell(finding))
    if finding.margin is not None:
        parts.append((Words(f"limit {numbers.limit(finding)}"),))
    return cells.joined_cell(parts), (Text(finding.reason, 500),)


def _not_measured(verdict: Verdict, evidence: Sequence[Evidence]) -> Bullets:
    entries: dict[NotMeasured, None] = {}
    for entry in (*verdict.not_measured, *(entry for file in evidence for entry in file.not_measured)):
        entries.setdefault(entry)
    items: list[tuple[Cell, Cell]] = [
        ((Text(entry.what, 200), Words(": "), Text(entry.why, 300)), ()) for entry in entries
    ]
    return Bullets(title="Not measured", items=items, empty_text="The evidence reports nothing that was left out.")


def _passed(entries: Sequence[PlacedFinding]) -> Cell:
    passed = sum(1 for entry in entries if entry.finding.outcome is Outcome.PASS)
    if not entries:
        return (Words("Nothing was judged."),)
    return (Words(f"{numbers.count(passed)} of {numbers.count(len(entries))} findings passed."),)


def _sections(
    verdict: Verdict, evidence: Sequence[Evidence], facts: Facts, entries: Sequence[PlacedFinding]
) -> list[Section]:
    measurements, details = evidence_tables.measurement_tables(evidence), evidence_tables.details_tables(evidence)
    sections = [Section(title=f"All {numbers.count(len(entries))} findings", tables=[cells.findings_table(entries)])]
    sections += answer_sections(evidence)
    sections += prediction_sections.prediction_sections(evidence)
    if changes := what_changed(verdict, evidence, facts):
        sections.append(changes)
    if measurements:
        sections.append(Section(title="All measurements", tables=measurements))
    if details:
        sections.append(Section(title="Details and settings", tables=details))
    if verdict.evidence:
        tables = evidence_tables.provenance_tables(verdict, evidence)
        sections.append(Section(title="Evidence and fingerprints", tables=tables))
    sections.append(
        Section(
            title="Reproduce",
            note=(Words("These commands measure the same commit again with the same seeds:"),),
            commands=reproduce_commands(verdict, evidence, facts),
        )
    )
    return sections


def links(facts: Facts) -> list[Cell]:
    """Return the links to the page, the run that measured, its evidence and the dashboard; each address once."""
    candidates = [
        Link("Page", safe_url(facts.page_url)),
        Link("Run and job summary", safe_url(facts.run_url)),
        Link("Evidence (artifact)", safe_url(facts.artifact_url)),
        Link("All deployments", safe_url(facts.dashboard_url)),
    ]
    by_address = {link.url: link for link in reversed(candidates) if link.url}
    return [(link,) for link in reversed(by_address.values())]


def full_report(facts: Facts) -> Cell:
    """Return where a reader of a shortened report finds the full one."""
    if url := safe_url(facts.artifact_url):
        return (Words("in the "), Link("uploaded evidence", url))
    if url := safe_url(facts.run_url):
        return (Words("in the "), Link("run's summary and artifacts", url))
    return (Words("in the folder "), Code(facts.evidence_dir, 120))
