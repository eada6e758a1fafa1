"""Findings about the environment: quarantine and order."""

from __future__ import annotations

from datetime import datetime

import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.policyfile.document import read_policy
from ghmlops.core.steps.conditions import (
    CONDITIONS,
    order_finding,
    quarantine_finding,
    unknown_order_finding,
    window_finding,
)
from ghmlops.core.steps.recorded import RecordedDeployment

SHA = "a" * 40


def test_quarantine_names_the_deployment_that_failed() -> None:
    """Id and description of the failure are in the reason; a long description is cut."""
    failed = RecordedDeployment(id=77, sha=SHA, state="failure", service="shop", description="fail: " + "x" * 300)
    finding = quarantine_finding(failed, "production")
    assert (finding.id, finding.outcome) == ("commit-quarantined", Outcome.INCONCLUSIVE)
    assert "77" in finding.reason
    assert len(finding.reason) < 250


def test_order_passes_for_a_live_commit_only() -> None:
    """The reason of a refusal names both environments and the state; an unknown state is no pass."""
    live = RecordedDeployment(id=1, sha=SHA, state="success", service="shop")
    assert order_finding([live], SHA, "production", "staging").outcome is Outcome.PASS
    inactive = RecordedDeployment(id=1, sha=SHA, state="inactive", service="shop", succeeded=True)
    refused = [order_finding(rows, SHA, "production", "staging") for rows in ([inactive], [])]
    refused.append(unknown_order_finding("production", "staging"))
    assert {f.outcome for f in refused} == {Outcome.INCONCLUSIVE}
    assert {f.id for f in refused} <= set(CONDITIONS)
    assert all("staging" in f.reason and "production" in f.reason for f in refused)
    assert "inactive" in refused[0].reason


HOURS = [
    # Saturday 2026-11-28 and the days after it; whether the window is open
    ("2026-11-28T10:00", False),
    ("2026-11-30T08:59", False),
    ("2026-11-30T09:00", True),
    ("2026-11-30T15:59", True),
    ("2026-11-30T16:00", False),
    ("2026-12-04T11:59", True),
    ("2026-12-04T12:00", False),
]


@pytest.mark.parametrize(("now", "is_open"), HOURS)
def test_deployments_are_allowed_in_the_windows_of_the_environment(now: str, is_open: bool) -> None:
    """The beginning belongs to a window, the end does not; another environment is not affected."""
    text = "version: 1\nservice: s\ngate: {windows: ['mon-thu 09:00-16:00', 'fri 09:00-12:00']}\n"
    gate = read_policy(text).gate
    finding = window_finding(gate, "production", datetime.fromisoformat(now))
    assert (finding is None) is is_open
    assert finding is None or (finding.id in CONDITIONS and finding.outcome is Outcome.INCONCLUSIVE)
    assert window_finding(gate, "staging", datetime.fromisoformat(now)) is None
