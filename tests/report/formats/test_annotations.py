"""Annotations: their kind, number, order and escaping."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Outcome
from ghmlops.report.content.placed_findings import PlacedFinding, place_findings, rank_findings
from ghmlops.report.formats.annotations import MAX_PER_KIND, annotate, check_annotations, workflow_command
from report import samples


@pytest.mark.parametrize(
    ("outcome", "prefix"),
    [
        (Outcome.ERROR, "::error "),
        (Outcome.FAIL, "::error "),
        (Outcome.INCONCLUSIVE, "::warning "),
        (Outcome.WARN, "::warning "),
    ],
)
def test_the_kind_follows_from_the_outcome(outcome: Outcome, prefix: str) -> None:
    """Errors and failures are errors; everything else that did not pass is a warning."""
    finding = samples.objective(outcome, 129.4)
    (line,) = annotate([finding])
    assert line.startswith(f"{prefix}title={finding.id}%3A {outcome.value}::")


def test_passed_findings_have_no_annotation() -> None:
    """Only findings that did not pass are annotated."""
    assert annotate([samples.objective(Outcome.PASS, 129.4)]) == []


def test_each_kind_has_at_most_ten_annotations() -> None:
    """GitHub shows at most ten errors and ten warnings per step; the worst findings come first."""
    findings = [samples.objective(outcome, 129.4) for outcome in (Outcome.WARN, Outcome.FAIL, Outcome.ERROR) * 12]
    lines = annotate(findings)
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == len(lines) - len(errors) == MAX_PER_KIND == 10
    assert all("%3A error::" in line for line in errors)


def test_a_message_cannot_start_another_command() -> None:
    """Line breaks, percent signs, colons and commas are escaped."""
    line = workflow_command("error", "100 %\n::set-output name=a::b", title="a:b,c")
    assert line == "::error title=a%3Ab%2Cc::100 %25 ::set-output name=a::b"


def test_annotations_of_a_check_run() -> None:
    """Findings that did not pass, worst first and at most 200, each beside the limit that it exceeds."""
    files = [samples.latency(slow=True)]
    entries = place_findings(samples.merged(*files).findings, files)
    lines = {"latency": 2, "latency.margins.p95": 6}
    annotations = check_annotations(entries, ".github/ghmlops.yml", lines)
    failed = [entry for entry in rank_findings(entries) if entry.finding.outcome is not Outcome.PASS]
    assert [a.title.partition(":")[0] for a in annotations] == [entry.finding.id for entry in failed]
    assert {a.path for a in annotations} == {".github/ghmlops.yml"}
    assert {a.title: a.line for a in annotations}["latency-p95: fail"] == 6
    assert {a.level for a in annotations} <= {"failure", "warning"}
    many = [PlacedFinding(failed[0].finding, "latency", "")] * 300
    assert len(check_annotations(many, "p.yml", {})) == 200
