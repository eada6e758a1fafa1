"""Findings about a harvest."""

from __future__ import annotations

from ghmlops.core.harvest.findings import Counts, SliceCount, client_findings, line_findings, sample_findings
from ghmlops.core.model import Outcome

NONE = Counts(
    lines=10, broken=0, without_id=0, without_time=0, future=0, copies=0, conflicting=0, silenced=0, requests=10
)


def test_a_clean_log_passes() -> None:
    """One finding counts the lines."""
    assert [(f.id, f.outcome) for f in line_findings(NONE, "")] == [("harvest-lines", Outcome.PASS)]


def test_each_problem_is_counted() -> None:
    """Every problem warns with its number."""
    counts = NONE._replace(broken=1, copies=2, conflicting=4, future=5)
    findings = line_findings(counts, "logs/a.jsonl:3")
    assert {f.id: f.n for f in findings} == {
        "harvest-lines": 10,
        "harvest-copies": 2,
        "harvest-duplicates": 4,
        "harvest-future": 5,
    }
    assert {f.outcome for f in findings} == {Outcome.WARN}
    assert "logs/a.jsonl:3" in findings[0].reason
    (client,) = client_findings([(7, "2026-06-01 00:00 UTC")], 10, 0.2)
    assert (client.n, client.outcome) == (7, Outcome.WARN)


def test_short_slices_and_an_empty_sample() -> None:
    """A slice that lost rows to the quarantine warns; no row at all is inconclusive."""
    slices = [SliceCount("device", "tv", 40, 12), SliceCount("device", "phone", 5, 5)]
    findings = sample_findings(slices, {("note", "IBAN"): 28}, rows=17, rare=30, population=45)
    assert [f.id for f in findings] == ["harvest-quarantine", "harvest-slices", "harvest-sample"]
    (empty,) = sample_findings([], {}, rows=0, rare=30, population=45)
    assert empty.outcome is Outcome.INCONCLUSIVE
