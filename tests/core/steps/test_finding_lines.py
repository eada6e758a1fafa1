"""The line of the policy that a finding is about."""

from __future__ import annotations

import pytest

from ghmlops.core.model import Finding, Outcome
from ghmlops.core.steps.finding_lines import finding_line, key_lines

POLICY = """\
version: 1
latency:
  slo: {p99: 150ms}
  margins:
    p50: 10%
    p99: {fail: 10%, safe: 20%}
regression:
  key: id
  drift: {psi: 0.3}
  slices: [[region]]
  margins:
    auc: 1pt
"""


@pytest.mark.parametrize(
    ("command", "finding", "metric", "line"),
    [
        ("latency", "latency-p50", "p50", 5),
        ("latency", "latency-p99", "p99", 6),
        ("latency", "objective-p99", "p99", 3),
        ("latency", "objective-p50", "p50", 5),
        ("latency", "latency-p95", "p95", 2),
        ("latency", "error-ratio", "error-ratio", 2),
        ("regression", "regression-auc", "auc", 12),
        ("regression", "slice-auc", "auc", 12),
        ("regression", "slice-missing", "rows", 10),
        ("regression", "drift-psi", "psi", 9),
        ("regression", "contract-nulls", "nulls", 8),
        ("preview", "preview-ready", "ready", 1),
        ("", "evidence-missing", "", 1),
    ],
)
def test_limit_then_setting_then_section(command: str, finding: str, metric: str, line: int) -> None:
    """The limit comes first, then the setting, then the section, then the first line."""
    exceeded = Finding(id=finding, metric=metric, outcome=Outcome.FAIL, reason="r", docs="d")
    assert finding_line(exceeded, command, key_lines(POLICY)) == line


@pytest.mark.parametrize("text", ["", "a: [", "a: &x 1", "\x00", "- 1"])
def test_a_policy_that_is_not_valid_has_no_lines(text: str) -> None:
    """Annotations then are beside the first line."""
    assert key_lines(text) == {}
    finding = Finding(id="latency-p50", metric="p50", outcome=Outcome.FAIL, reason="r", docs="d")
    assert finding_line(finding, "latency", key_lines(text)) == 1
