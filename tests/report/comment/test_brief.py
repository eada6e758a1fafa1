"""Content of the comment."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.model import Finding, NotMeasured, Outcome
from ghmlops.report.comment.brief import COLUMNS, MAX_CAUSES, brief, measuring_line
from ghmlops.report.formats.markdown import inline
from report import samples


def test_at_most_five_causes_and_a_count() -> None:
    """The sixth line counts the others."""
    content = brief(samples.merged(files := samples.many_findings(2000)), [files], samples.FACTS)
    assert len(content.sentences) == MAX_CAUSES + 1 == 6
    assert "992 more" in inline(content.sentences[-1])
    assert len(content.table.rows) == MAX_CAUSES


def test_the_table_has_three_columns() -> None:
    """Each row has a cell for each; the limit follows the change, which is a factor if it is large."""
    files = [samples.latency(slow=True), samples.regression(), samples.capacity()]
    content = brief(samples.merged(*files), files, samples.FACTS)
    assert [column.title for column in COLUMNS] == ["Result", "Baseline → candidate", "Change (limit)"]
    cells = [[inline(cell).replace("\u00a0", " ").replace("\u2212", "-") for cell in row] for row in content.table.rows]
    assert cells == [
        ["❌ p50", "41.2 → 48.8 ms", "+18 % (+2 %)"],
        ["✅ positive rate", "24.1 → 24.3 %", "+0.22 pt (±1 pt)"],
        ["✅ capacity", "51.87 /s", "\u2013"],
    ]
    tripled = samples.latency(slow=True)
    worse = [
        msgspec.structs.replace(f, candidate=3 * f.baseline, change=msgspec.structs.replace(f.change, estimate=2.0))
        if f.baseline and f.change
        else f
        for f in tripled.findings
    ]
    tripled = msgspec.structs.replace(tripled, findings=worse)
    row = brief(samples.merged(tripled, required=()), [tripled], samples.FACTS).table.rows[0]
    assert inline(row[2]).replace("\u00a0", " ") == "3.0 times (+2 %)"


def test_a_confirming_run_has_no_row() -> None:
    """A failure and its confirmation are one row, also if the confirmation passed."""
    files = [samples.latency(slow=True), samples.latency(leg="confirm")]
    assert len(brief(samples.merged(*files), files, samples.FACTS).table.rows) == 1


@pytest.mark.parametrize(
    ("what", "matters"),
    [
        ("latency against a baseline", True),
        ("everything", True),
        ("quality of rows without a label", True),
        ("cold start", False),
        ("page checksums", False),
    ],
)
def test_what_limits_the_verdict_is_listed(what: str, matters: bool) -> None:
    """Other entries are counted."""
    file = msgspec.structs.replace(samples.latency(), not_measured=[NotMeasured(what=what, why="/home/runner/x y")])
    content = brief(samples.merged(file, required=()), [file], samples.FACTS)
    assert ([inline(line).startswith(what) for line in content.unmeasured] == [True]) == matters
    assert content.unmeasured_count == 1
    assert "/home" not in "".join(inline(line) for line in content.unmeasured)


def test_an_overridden_verdict_names_its_reason_first() -> None:
    """The notice has the reason of the person; nobody is asked to do anything."""
    files = [samples.latency()]
    verdict = msgspec.structs.replace(
        samples.merged(*files), outcome=Outcome.WARN, override="known (by ada)", reason_code="overridden"
    )
    content = brief(verdict, files, samples.FACTS)
    assert "known (by ada)" in inline(content.notices[0])
    assert content.steps == []


def test_a_finding_without_numbers_has_no_row() -> None:
    """A sentence is enough for a broken rule."""
    finding = Finding(id="contract-rows", metric="rows", outcome=Outcome.FAIL, reason="3 rows are missing.", docs="")
    file = samples.evidence("regression", [finding])
    content = brief(samples.merged(file, required=()), [file], samples.FACTS)
    assert content.table.rows == []
    assert "3 rows" in inline(content.sentences[0])


def test_the_announcement_links_commit_and_run() -> None:
    """Without addresses it is plain text."""
    line = inline(measuring_line("a" * 40, samples.FACTS))
    assert f"[`{'a' * 10}`]" in line
    assert samples.FACTS.run_url in line
    bare = msgspec.structs.replace(samples.FACTS, server_url="", run_url="")
    assert "](" not in inline(measuring_line("a" * 40, bare))
