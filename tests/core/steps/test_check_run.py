"""The check run of a verdict: what passes, and which one stands."""

from __future__ import annotations

import pytest

from ghmlops.core.evidence.document import Verdict
from ghmlops.core.model import Outcome
from ghmlops.core.steps.check_run import verdict_check
from ghmlops.core.steps.gate import passes

CONCLUSIONS = [
    (Outcome.PASS, "success"),
    (Outcome.WARN, "neutral"),
    (Outcome.INCONCLUSIVE, "action_required"),
    (Outcome.FAIL, "failure"),
    (Outcome.ERROR, "action_required"),
]


def verdict(outcome: Outcome, service: str = "shop") -> Verdict:
    """Return a verdict whose reason is long and contains control characters."""
    return Verdict(
        commit="a" * 40, outcome=outcome, reason_code="c", reason="x\n" * 500, findings=[], evidence=[], service=service
    )


@pytest.mark.parametrize(("outcome", "conclusion"), CONCLUSIONS)
def test_only_pass_and_warn_let_a_change_through(outcome: Outcome, conclusion: str) -> None:
    """A required check accepts `success`, `neutral` and `skipped`: an inconclusive outcome becomes none of them."""
    check = verdict_check(verdict(outcome), "# Report", run_id=42, attempt=1, url="https://github.example/r/42")
    assert (check.name, check.head_sha, check.conclusion) == ("ghmlops/shop", "a" * 40, conclusion)
    assert (conclusion in ("success", "neutral", "skipped")) is passes(outcome)
    assert check.title.isprintable()
    assert len(check.title) <= 200


def test_a_report_that_is_too_long_is_replaced() -> None:
    """GitHub rejects a summary above 65,535 characters."""
    check = verdict_check(verdict(Outcome.PASS), "x" * 70_000, run_id=42, attempt=1, url="")
    assert len(check.summary) < 65_535


ORDER = [
    ("ghmlops:42:2", True),
    ("ghmlops:43:1", True),
    ("ghmlops:100:1", True),
    ("ghmlops:42:1", False),
    ("ghmlops:41:9", False),
    ("ghmlops:9:1", False),
    ("", False),
    ("ghmlops:x:1", False),
    ("ghmlops:²:1", False),
    ("ghmlops:" + "9" * 5000 + ":1", False),
]


@pytest.mark.parametrize(("external_id", "older"), ORDER)
def test_run_and_attempt_decide(external_id: str, *, older: bool) -> None:
    """The numbers are compared, run first; a text of another form decides nothing."""
    check = verdict_check(verdict(Outcome.PASS), "", run_id=42, attempt=1, url="")
    assert check.is_older_than(external_id) is older
