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


def test_the_table_has_at_most_four_columns() -> None:
    """Each row has a cell for each."""
    files = [samples.latency(slow=True), samples.regression()]
    table = brief(samples.merged(*files), files, samples.FACTS).table
    assert len(COLUMNS) == 4
    assert [len(row) for row in table.rows] == [4, 4]


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
