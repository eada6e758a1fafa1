"""The job summary of a command without a report of its own."""

from __future__ import annotations

from ghmlops.core.model import Finding, Outcome
from ghmlops.report.formats.short_summary import MAX_FINDINGS, short_summary


def finding(number: int, outcome: Outcome) -> Finding:
    return Finding(id=f"f-{number}", metric="m", outcome=outcome, reason="<b> | x", docs="d")


def test_the_worst_findings_come_first() -> None:
    """Passes are left out, the rest is counted, and text stays text."""
    findings = [finding(0, Outcome.PASS), finding(1, Outcome.WARN), finding(2, Outcome.FAIL)]
    lines = short_summary("gate", Outcome.FAIL, "a | b\nc", findings).splitlines()
    assert lines[0].endswith("fail: gate")
    assert lines[2] == "a \\| b c"
    assert [line.split("`")[1] for line in lines[4:]] == ["f-2", "f-1"]
    assert "<b>" not in "".join(lines)
    many = short_summary("gate", Outcome.FAIL, "r", [finding(i, Outcome.FAIL) for i in range(30)])
    assert many.count("- ") == MAX_FINDINGS + 1
    assert "10 more" in many
