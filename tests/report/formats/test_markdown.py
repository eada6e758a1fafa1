"""The Markdown report: order, sizes, one comment."""

from __future__ import annotations

import msgspec
import pytest

from ghmlops.core.details.regression import RegressionDetails, SourceRow
from ghmlops.core.model import Finding, Measurement, NotMeasured, Outcome
from ghmlops.core.steps.github_limits import SUMMARY_LIMIT
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.formats import html, markdown
from ghmlops.report.formats.size_budget import Rows, fit
from report import samples
from report.reading import columns, read_html, read_markdown, tables


def test_the_order_of_the_reader() -> None:
    """Verdict, why, what to do, what was compared, pillars, worst findings, not measured, then what passed."""
    text = markdown.comment(samples.report(samples.latency(slow=True), samples.regression(broken=True)))
    places = [
        text.index(part)
        for part in (
            "<!-- ghmlops:report service=click-scorer workflow=check -->",
            "## ❌ click-scorer fails",
            "**Why:** **Latency**: p50 rose from",
            "**To do:** Do not merge",
            "head [`3f9c1b7a52`]",
            "| Pillar |",
            "### The worst 5 of 8 findings",
            "### Not measured",
            "6 of 14 findings passed.",
            "<details><summary>All 14 findings</summary>",
            "<details><summary>Reproduce</summary>",
            "[Run and job summary]",
        )
    ]
    assert places == sorted(places)
    assert "32,735 rows · 12,000 requests · attempt 2" in text


def test_one_row_a_pillar_and_leg() -> None:
    """Legs of a matrix are rows of their own, the worst first."""
    files = (samples.latency(leg="cpu"), samples.latency(leg="gpu", slow=True), samples.regression())
    pillars = tables(markdown.comment(samples.report(*files)))[0]
    assert [row.split("|")[1].strip() for row in pillars[2:]] == ["`latency (gpu)`", "`latency (cpu)`", "`regression`"]
    assert [row.split("|")[2].strip() for row in pillars[2:]] == ["❌ fail", "✅ pass", "✅ pass"]


def test_what_is_required_and_missing_has_a_row() -> None:
    """A pillar without evidence is a row, and not a pass."""
    pillars = tables(markdown.comment(samples.report(samples.latency())))[0]
    assert pillars[2].startswith("| `regression` | ❔ inconclusive | \u2013 | no evidence |")


def test_a_pass_is_spoken_for_by_what_came_nearest_to_its_limit() -> None:
    """Of passed findings, the one with the least room left decides the row."""
    pillars = tables(markdown.comment(samples.report(samples.latency(), samples.regression())))[0]
    (row,) = [row for row in pillars if "`latency`" in row]
    assert "`latency-p95`" in row


def test_no_pillar_hides_another_among_the_worst() -> None:
    """The worst findings of the pillars stand in turn; what a confirming run found again is not listed twice."""
    files = (samples.latency(slow=True), samples.latency(slow=True, leg="confirm"), samples.regression(broken=True))
    text = markdown.comment(samples.report(*files))
    listed = [line.split("`")[1] for line in text.splitlines() if line.startswith("- ❌")]
    accuracy = "regression-accuracy"
    assert listed == ["latency-p50", accuracy, "latency-p95", accuracy, "objective-p99"]
    assert "`latency (confirm)`" in text


def test_no_second_line_of_a_list_starts_a_block() -> None:
    """Each of the worst findings is one item with its reason."""
    seen = read_markdown(markdown.comment(samples.report(samples.latency(slow=True), samples.regression(broken=True))))
    assert seen.tags.count("li") == 5 + 2
    assert seen.tags.count("br") == 5


def test_the_same_evidence_gives_the_same_bytes() -> None:
    """Nothing of the time or of the process leaks into a report."""
    files = (samples.latency(slow=True), samples.regression(broken=True))
    assert markdown.comment(samples.report(*files)) == markdown.comment(samples.report(*files))
    assert html.page(samples.report(*files)) == html.page(samples.report(*files))


def test_marker_is_the_first_line_and_there_once() -> None:
    """The comment is found by its first line; a quotation of the marker in evidence does not double it."""
    mark = "<!-- ghmlops:report service=click-scorer workflow=check -->"
    loud = msgspec.structs.replace(samples.latency(), not_measured=[NotMeasured(what=mark, why=f"\n{mark}\n")])
    text = markdown.comment(samples.report(loud, samples.regression()))
    assert text.splitlines()[0] == mark
    assert text.count(mark) == 1
    assert len(read_markdown(text).comments) == 2


def many(number: int) -> list[Finding]:
    """Return findings with the longest names that a report shows."""
    return [
        samples.metric(
            f"metric-{i}-" + "x" * 300, (0.8, 0.7), 0.01, Outcome.FAIL, slice={f"column|{i}`<b>" * 40: "ü" * 500}
        )
        for i in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 20, 400, 10_000])
def test_any_number_of_findings_fits(number: int) -> None:
    """Never above the limits, never a failure; what is cut is said, with the place of the whole; rows stay whole."""
    report = samples.report(samples.evidence("regression", many(number)), samples.latency())
    comment, summary = markdown.comment(report), markdown.summary(report)
    assert len(comment.encode()) <= markdown.COMMENT_LIMIT == 60_000
    assert len(summary.encode()) <= SUMMARY_LIMIT == 1_000_000
    assert ("**Shortened**" in comment) == (number >= 400)
    if number >= 400:
        assert len(comment.encode()) > 50_000
        assert (
            "[uploaded evidence](<https://github.example/acme/click-scorer/actions/runs/4242/artifacts/77>)" in comment
        )
        assert "rows are left out here." in comment
        assert "### The worst 5 of" in comment
    for table in tables(comment):
        assert {columns(line) for line in table} == {columns(table[0])}
    read_markdown(comment)


def test_everything_is_long_and_many() -> None:
    """Hundreds of files, thousands of columns, tables and settings, long addresses: still below the limit."""
    wide: dict[str, float | None] = {f"column-{i}-" + "y" * 80: 1.0 * i for i in range(1000)}
    sources = [SourceRow(dataset="|" * 200, role="r" * 500, origin=dict.fromkeys(wide, "v" * 300))] * 10
    details = RegressionDetails(sources=sources)
    files = [
        msgspec.structs.replace(
            samples.latency(leg=f"leg-{i}-" + "|" * 300),
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
    comment = markdown.comment(report)
    assert len(comment.encode()) <= 60_000
    assert len(markdown.summary(report).encode()) <= 1_000_000
    assert "❔ inconclusive" in comment
    for table in tables(comment):
        assert {columns(line) for line in table} == {columns(table[0])}
    read_html(html.page(report))


def test_rows_go_from_the_bottom_of_the_largest_table() -> None:
    """The smaller table keeps its rows as long as the larger one has longer ones to give."""
    large, small = Rows(head="L", lines=[f"large {i:03d}" for i in range(100)]), Rows(head="S", lines=["small"] * 3)
    text = fit(["top", large, small, "end"], 400, lambda rows: f"cut {rows}", at=1)
    kept = [line for line in text.splitlines() if line.startswith("large")]
    assert len(text.encode()) <= 400
    assert kept == [f"large {i:03d}" for i in range(len(kept))]
    assert text.count("small") == 3
    assert text.startswith(f"top\n\ncut {100 - len(kept)}\n\nL\nlarge 000\n")
    assert f"*{100 - len(kept)} of 100 rows are left out here.*" in text


def test_a_table_without_rows_loses_its_head() -> None:
    """No heading stands over nothing, and no code block is left open."""
    block = Rows(head="```sh", lines=["echo " + "x" * 500], tail="```")
    text = fit(["top", block, "end"], 200, lambda rows: f"cut {rows}", at=1)
    assert text == "top\n\ncut 1\n\n*1 of 1 rows are left out here.*\n\nend"


def test_what_cannot_be_cut_is_not_cut() -> None:
    """A budget below the fixed part is a bug of the caller and says so."""
    with pytest.raises(ValueError, match="longer than 10 bytes"):
        fit(["a fixed text", Rows(head="", lines=["x"])], 10, lambda _: "n", at=0)
