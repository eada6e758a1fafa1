"""The pull-request comment as GitHub-flavoured Markdown of a few kilobytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.model import Outcome
from ghmlops.report.charts import trend_chart
from ghmlops.report.content.comment_marker import read_subject
from ghmlops.report.formats.markdown import inline, table_rows
from ghmlops.report.formats.size_budget import Block, Rows, fit
from ghmlops.report.text import escape, numbers
from ghmlops.report.text import outcome_text as words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ghmlops.report.comment.brief import Brief
    from ghmlops.report.text.blocks import Cell

COMMENT_BUDGET = 20_000
"""Maximum size of the comment in bytes. A typical failure needs less than a third, a pass a tenth of it."""
ALERTS = {
    Outcome.ERROR: "CAUTION",
    Outcome.FAIL: "CAUTION",
    Outcome.INCONCLUSIVE: "WARNING",
    Outcome.WARN: "WARNING",
    Outcome.PASS: "TIP",
}
"""GitHub's alert boxes; https://docs.github.com/en/get-started/writing-on-github (basic syntax, alerts)."""
ANNOUNCEMENT, END = "<!-- ghmlops:measuring -->", "<!-- ghmlops:measuring end -->"
"""Hidden lines around the box that announces a run."""
_NOTICE_INDEX = 2
"""The notice of a shortened comment follows the hidden lines and the heading."""


def comment(brief: Brief) -> str:
    """Return the comment. The hidden first two lines identify the comment and the commit."""
    return fit(list(_blocks(brief)), COMMENT_BUDGET, _notice(brief), _NOTICE_INDEX) + "\n"


def with_announcement(marker: str, line: Cell, current: str) -> str:
    """Return the comment with a box that announces a run; the report of an earlier run stays below it.

    Args:
        marker: Hidden first line that identifies the comment.
        line: Text of the box.
        current: Text of the existing comment; empty without one.
    """
    lines = current.replace("\r\n", "\n").strip().split("\n")
    hidden = lines[:2] if read_subject(current) else [marker]
    rest = "\n".join(lines[len(hidden) :]).strip()
    if rest.startswith(ANNOUNCEMENT):
        rest = rest.partition(END)[2].strip()
    box = f"{ANNOUNCEMENT}\n\n> [!NOTE]\n> {inline(line)}\n\n{END}"
    return "\n\n".join(part for part in ("\n".join(hidden), box, rest) if part) + "\n"


def _blocks(brief: Brief) -> Iterator[Block]:
    yield brief.marker
    yield f"## {words.OUTCOME_LABELS[brief.outcome].symbol} {inline(brief.heading)}"
    for notice in brief.notices:
        yield f"> [!IMPORTANT]\n> {inline(notice)}"
    passed = brief.outcome is Outcome.PASS
    bullet = "- " if len(brief.sentences) > 1 else ""
    sentences = [f"> {bullet}{inline(sentence)}" for sentence in brief.sentences]
    action = [] if passed else [">", f"> **To do:** {brief.action}"]
    yield "\n".join([f"> [!{ALERTS[brief.outcome]}]", *sentences, *action])
    if passed:
        yield "<details><summary>Results and how to reproduce them</summary>"
    if brief.table.rows:
        yield table_rows(brief.table)
    for answers in brief.answers:
        yield f"**{answers.title}**"
        yield table_rows(answers)
    yield from _trend(brief)
    yield from _unmeasured(brief)
    yield inline(brief.subject)
    if not passed:
        yield "<details><summary>How to reproduce, run again or decide otherwise</summary>"
    first, *lines, last = escape.fence(brief.commands).split("\n")
    yield Rows(head=first, lines=lines, tail=last)
    if brief.steps:
        yield "\n".join(f"- {inline(step)}" for step in brief.steps)
    if not passed:
        yield "</details>"
    if brief.links:
        yield " · ".join(inline(link) for link in brief.links)
    if passed:
        yield "</details>"


def _trend(brief: Brief) -> Iterator[Block]:
    """Yield the chart of the trend and its numbers; a chart is one line, never omitted in part."""
    if brief.trend is None or not (lines := trend_chart.chart_lines(brief.trend)):
        return
    yield inline(trend_chart.legend(brief.trend))
    yield Rows(head="", lines=["\n".join(["```mermaid", *lines, "```"])])
    if brief.outcome is Outcome.PASS:  # everything below the first sentence is collapsed already
        yield table_rows(trend_chart.table(brief.trend))
        return
    yield "<details><summary>Numbers of the trend</summary>"
    yield table_rows(trend_chart.table(brief.trend))
    yield "</details>"


def _unmeasured(brief: Brief) -> Iterator[Block]:
    rest = brief.unmeasured_count - len(brief.unmeasured)
    if brief.unmeasured:
        yield "\n".join(f"- **Not measured:** {inline(line)}" for line in brief.unmeasured)
    if rest:
        more, noun = ("more " if brief.unmeasured else ""), "detail" if rest == 1 else "details"
        be = "was" if rest == 1 else "were"
        pronoun = "it" if rest == 1 else "them"
        yield f"{numbers.count(rest)} {more}{noun} {be} not measured; the job summary lists {pronoun}."


def _notice(brief: Brief) -> Callable[[int], str]:
    return lambda rows: f"{numbers.count(rows)} rows are omitted. The full report is {inline(brief.full_report)}."
