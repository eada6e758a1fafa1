"""The Markdown report: order of its parts, size limits, marker."""

from __future__ import annotations

import re

import msgspec
import pytest

from ghmlops.core.details.regression import RegressionDetails, SourceRow
from ghmlops.core.model import Finding, Measurement, NotMeasured, Outcome
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.formats import html, markdown
from report import samples
from report.reading import columns, read_html, read_markdown, tables

LIMIT = 60_000
"""Bytes of a summary that is shortened."""


def test_the_order_of_the_parts() -> None:
    """Outcome, reason, action, commits, pillars, worst findings, unmeasured parts, passed findings, then sections."""
    text = markdown.summary(samples.report(samples.latency(slow=True), samples.regression(broken=True)))
    positions = [
        text.index(part)
        for part in (
            "## ❌ click-scorer fails",
            "**Why:** **Latency**: p50 rose from",
            "**To do:** Do not merge",
            "head [`3f9c1b7a52`]",
            "| Measurement |",
            "### The worst 5 of 8 findings",
            "### Not measured",
            "6 of 14 findings passed.",
            "<details><summary>All 14 findings</summary>",
            "<details><summary>Reproduce</summary>",
            "[Run and job summary]",
        )
    ]
    assert positions == sorted(positions)
    assert "32,735 rows · 12,000 requests · attempt 2" in text


def test_one_row_per_pillar_and_leg() -> None:
    """Each leg of a matrix has a row, worst first."""
    files = (samples.latency(leg="cpu"), samples.latency(leg="gpu", slow=True), samples.regression())
    pillars = tables(markdown.summary(samples.report(*files)))[0]
    assert [row.split("|")[1].strip() for row in pillars[2:]] == ["`latency (gpu)`", "`latency (cpu)`", "`regression`"]
    assert [row.split("|")[2].strip() for row in pillars[2:]] == ["❌ fail", "✅ pass", "✅ pass"]


def test_a_required_pillar_without_evidence_has_a_row() -> None:
    """The row of a pillar without evidence is inconclusive."""
    pillars = tables(markdown.summary(samples.report(samples.latency())))[0]
    assert pillars[2].startswith("| `regression` | ❔ inconclusive | \u2013 | no evidence |")


def test_the_row_of_a_passed_pillar_shows_the_finding_nearest_to_its_limit() -> None:
    """Of several passed findings, the row names the one with the smallest distance to its limit."""
    pillars = tables(markdown.summary(samples.report(samples.latency(), samples.regression())))[0]
    (row,) = [row for row in pillars if "`latency`" in row]
    assert "`latency-p95`" in row


def test_the_worst_findings_alternate_between_pillars() -> None:
    """Pillars take turns in the list; a finding that a confirming run repeated is listed once."""
    files = (samples.latency(slow=True), samples.latency(slow=True, leg="confirm"), samples.regression(broken=True))
    text = markdown.summary(samples.report(*files))
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("- ❌")]
    accuracy = "regression-accuracy"
    assert listed == ["latency-p50", accuracy, "latency-p95", accuracy, "objective-p99"]
    assert "`latency (confirm)`" in text


def test_the_second_line_of_a_list_item_does_not_start_a_block() -> None:
    """Each of the worst findings is one item with its reason."""
    document = read_markdown(
        markdown.summary(samples.report(samples.latency(slow=True), samples.regression(broken=True)))
    )
    assert document.tags.count("li") == 5 + 2
    assert document.tags.count("br") == 5


def test_the_same_evidence_gives_the_same_bytes() -> None:
    """A report depends on neither the time nor the process."""
    files = (samples.latency(slow=True), samples.regression(broken=True))
    assert markdown.summary(samples.report(*files)) == markdown.summary(samples.report(*files))
    assert html.page(samples.report(*files)) == html.page(samples.report(*files))


def many(number: int) -> list[Finding]:
    """Return findings whose names exceed every limit of a report."""
    return [
        samples.metric(
            f"metric-{i}-" + "x" * 40, (0.8, 0.7), 0.01, Outcome.FAIL, slice={f"column|{i}`<b>" * 40: "ü" * 500}
        )
        for i in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 20, 400, 10_000])
def test_any_number_of_findings_fits(number: int) -> None:
    """The size limits hold; a shortened report says so and links to the full one; rows are omitted as a whole."""
    report = samples.report(samples.evidence("regression", many(number)), samples.latency())
    comment, summary = markdown.summary(report, LIMIT), markdown.summary(report)
    assert len(comment.encode()) <= LIMIT
    assert len(summary.encode()) <= SUMMARY_LIMIT == 1_000_000
    assert ("**Shortened**" in comment) == (number >= 400)
    if number >= 400:
        assert len(comment.encode()) > 50_000
        assert (
            "[uploaded evidence](<https://github.example/acme/click-scorer/actions/runs/4242/artifacts/77>)" in comment
        )
        assert re.search(r"\*[\d,]+ of [\d,]+ rows", comment)
        assert "### The worst 5 of" in comment
    for table in tables(comment):
        assert {columns(line) for line in table} == {columns(table[0])}
    read_markdown(comment)


def test_everything_is_long_and_many() -> None:
    """The size limits hold for many files, columns, tables and settings with long names and URLs."""
    wide: dict[str, float | None] = {f"column-{i}-" + "y" * 80: 1.0 * i for i in range(1000)}
    sources = [SourceRow(dataset="|" * 200, role="r" * 500, origin=dict.fromkeys(wide, "v" * 300))] * 10
    details = RegressionDetails(sources=sources)
    files = [
        msgspec.structs.replace(
            samples.latency(leg=f"leg-{i}-" + "l" * 50),
            measurements=[
                Measurement(id=f"m{k}" + "`" * 300, arm="a" * 300, unit="ms", n=1, values=wide) for k in range(30)
            ],
            details=details,
            not_measured=[NotMeasured(what="w" * 10**6, why="@team " * 1000)],
        )
        for i in range(40)
    ]
    facts = Facts(
        workflow="w-" * 10_000,
        artifact_url="https://github.example/" + "a" * 1800,
        run_url="https://github.example/" + "b" * 1800,
        required=("latency", "regression"),
        evidence_dir="e" * 5000,
        policy="p" * 5000,
    )
    report = samples.report(*files, facts=facts)
    comment = markdown.summary(report, LIMIT)
    assert len(comment.encode()) <= LIMIT
    assert len(markdown.summary(report).encode()) <= 1_000_000
    assert "❔ inconclusive" in comment
    for table in tables(comment):
        assert {columns(line) for line in table} == {columns(table[0])}
    read_html(html.page(report))
