"""Sentences as plain text, and the table of findings for a notebook."""

from __future__ import annotations

from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.formats.notebook import MAX_ROWS, fragment, plain, sentences
from ghmlops.report.text.blocks import Code, Text, Words


def finding(name: str, outcome: Outcome, slice_: str = "") -> Finding:
    return Finding(
        id=f"regression-{name}",
        metric=name,
        outcome=outcome,
        reason=f"{name} fell.",
        docs="actions/regression/README.md",
        direction=Direction.HIGHER,
        baseline=0.9,
        candidate=0.7,
        change=Interval(estimate=-0.2, low=-0.22, high=-0.18),
        margin=0.01,
        slice={"device": slice_} if slice_ else {},
    )


def test_one_sentence_for_each_cause() -> None:
    """What passed has no sentence; what failed has the one of the comment, with its numbers."""
    lines = sentences([finding("accuracy", Outcome.FAIL), finding("auc", Outcome.PASS)], "regression")
    assert len(lines) == 1
    assert lines[0].startswith("Predictions: accuracy")
    assert sentences([finding("auc", Outcome.PASS)], "regression") == []


def test_plain_text() -> None:
    """Plain text has no markup, no no-break space and no control characters."""
    assert plain((Words("+0.1\u00a0ms "), Text("a\x1b[2J"), Code("b"))) == "+0.1 ms a\\x1b[2Jb"


def test_fragment_escapes_and_counts() -> None:
    """Values of the data are escaped, and further findings are counted."""
    findings = [finding("accuracy", Outcome.FAIL, f"<b>{index}</b>") for index in range(MAX_ROWS + 3)]
    page = fragment(findings, "regression", Outcome.FAIL, "reason")
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert page.count("<tr>") == MAX_ROWS + 1
    assert "3 more" in page


def test_fragment_without_a_cause() -> None:
    """A pass shows its reason, escaped."""
    page = fragment([finding("auc", Outcome.PASS)], "regression", Outcome.PASS, "<i>fine</i>")
    assert "&lt;i&gt;fine" in page
