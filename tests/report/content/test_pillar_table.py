"""Table of the pillars: one row per file, and one per required command without evidence."""

from __future__ import annotations

from ghmlops.core.evidence.document import Evidence
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.model import Outcome
from ghmlops.report.content.pillar_table import pillar_table
from ghmlops.report.content.placed_findings import place_findings, rank_findings
from ghmlops.report.formats.markdown import inline
from report import samples


def rows(*files: Evidence, extra: tuple[Loaded, ...] = ()) -> list[list[str]]:
    """Return the cells of the table over these files."""
    verdict = samples.merged(*files, extra=extra)
    entries = rank_findings(place_findings(verdict.findings, files))
    table = pillar_table(verdict, entries, samples.FACTS, files)
    return [[inline(cell) for cell in row] for row in table.rows]


def test_each_leg_has_a_row_and_the_worst_is_first() -> None:
    """The row names the decisive finding and counts the outcomes."""
    table = rows(samples.latency(leg="cpu"), samples.latency(leg="gpu", slow=True), samples.regression())
    assert [row[0] for row in table] == ["`latency (gpu)`", "`latency (cpu)`", "`regression`"]
    assert table[0][1:3] == ["❌ fail", "`latency-p50`"]
    assert table[0][4] == "3 fail, 1 inconclusive, 3 pass"


def test_a_pass_is_decided_by_the_finding_closest_to_its_limit() -> None:
    """Of the passed findings, that with the least room."""
    assert rows(samples.latency(), samples.regression())[0][2] == "`latency-p95`"


def test_missing_and_unreadable_evidence_has_a_row() -> None:
    """Neither is ever a pass."""
    table = rows(samples.regression(), extra=(samples.unreadable(),))
    assert [(row[0], row[1]) for row in table] == [
        ("`latency.json`", "🛑 error"),
        ("`latency`", "❔ inconclusive"),
        ("`regression`", "✅ pass"),
    ]
    assert [row[0] for row in rows()] == ["`latency`", "`regression`"]


def test_a_slice_is_named_next_to_its_rule() -> None:
    """So is a data set."""
    findings = [samples.metric("accuracy", (0.8, 0.7), 0.01, Outcome.FAIL, slice={"a": 1}, dataset="eu")]
    (row,) = [row for row in rows(samples.evidence("regression", findings)) if row[0] == "`regression`"]
    assert row[2] == "`regression-accuracy` at data set `eu` · `a=1`"
