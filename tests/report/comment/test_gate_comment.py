"""The comment of the gate: what blocks, what the margins say, and what a person can do."""

from __future__ import annotations

from ghmlops.core.evidence.document import EvidenceFile, Verdict
from ghmlops.core.model import Direction, Finding, Interval, Outcome
from ghmlops.report.comment.gate_comment import GateFacts, gate_markdown, gate_marker

FINDING = Finding(
    id="latency-p99",
    metric="p99",
    outcome=Outcome.INCONCLUSIVE,
    reason="p99 is undecided <script> @everybody",
    docs="d",
    unit="ratio",
    direction=Direction.LOWER,
    change=Interval(estimate=0.04, low=-0.02, high=0.13),
    margin=0.1,
)


def verdict(count: int = 1, outcome: Outcome = Outcome.INCONCLUSIVE) -> Verdict:
    """Return a verdict with findings that are undecided."""
    return Verdict(
        commit="a" * 40,
        outcome=outcome,
        reason_code="latency-p99",
        reason="p99 is undecided.",
        findings=[FINDING] * count,
        evidence=[EvidenceFile(file="latency.json", sha256="0" * 64, outcome=outcome)],
        service="shop",
        environment="production",
    )


def test_a_hold_says_what_blocks_and_what_a_person_can_do() -> None:
    """Interval and margin of each open finding, the evidence, and the values to paste; no active text of others."""
    facts = GateFacts("hold", "https://github.example/a/b/actions/runs/9", "deploy", "77", "people with the role admin")
    text = gate_markdown(verdict(), facts)
    assert "| `latency-p99` | inconclusive |" in text
    assert all(value in text for value in ("13", "10", "`latency.json`", "`run-id: 77`", f"`commit: {'a' * 40}`"))
    assert "People with the role admin" in text
    assert ("<script>" in text, "@everybody" in text) == (False, False)
    assert "runs/9" in text


def test_many_findings_are_counted() -> None:
    """At most fifteen rows, and the number of the others."""
    text = gate_markdown(verdict(40), GateFacts("hold"))
    assert text.count("| `latency-p99`") == 15
    assert "25 more" in text
    assert len(text) < 20_000


def test_other_decisions_are_one_sentence() -> None:
    """What was allowed or refused needs nobody."""
    assert "may be deployed" in gate_markdown(verdict(outcome=Outcome.WARN), GateFacts("allowed"))
    assert "override-reason" not in gate_markdown(verdict(outcome=Outcome.FAIL), GateFacts("refused"))


def test_a_warning_that_fail_on_blocks_cannot_be_overridden() -> None:
    """The text names the input that blocks."""
    text = gate_markdown(verdict(outcome=Outcome.WARN), GateFacts("hold"))
    assert ("`override-reason`" in text, "fail-on" in text) == (False, True)


def test_the_marker_is_one_line() -> None:
    """Names of services and environments cannot end it."""
    assert gate_marker("a --> b", "c\nd") == "<!-- ghmlops:gate service=a_--__b environment=c_d -->"
