"""What `revert` reports for each state: outcome, exit code, outputs, and the facts that a reader needs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ghmlops.act.git.publish import Plan
from ghmlops.act.git.revert import RevertResult
from ghmlops.commands.revert.summary import refusal, summarise
from ghmlops.core.context import Context
from ghmlops.core.errors import NeedsPerson
from ghmlops.core.model import Outcome
from ghmlops.core.revert.plan import Commit

A, B, C, D = (letter * 40 for letter in "abcd")
CONTEXT = Context(server_url="https://github.com", repository="acme/shop")


def result(state: str, *, differences: tuple[str, ...] = (), **changes: Any) -> RevertResult:
    """Return the result of a revert of `A` in the range `D..A`, created on `B`."""
    plan = Plan(
        branch="main", tip=B, head=C, newest=A, commits=(Commit(sha=A, parents=(D,), message="Bad\n"),),
        diffstat=" a.txt | 2 +-", title="t", body="b", base=D, differences=differences,
    )  # fmt: skip
    return RevertResult(state=state, plan=plan, **changes)


@pytest.mark.parametrize(
    ("state", "outcome", "code", "finding"),
    [
        ("reverted", Outcome.PASS, 0, ""),
        ("already-reverted", Outcome.PASS, 0, ""),
        ("planned", Outcome.PASS, 0, ""),
        ("pull-request", Outcome.INCONCLUSIVE, 1, "revert-waits"),
        ("partly-reverted", Outcome.INCONCLUSIVE, 1, "partly-reverted"),
    ],
)
def test_exit_code_is_0_only_if_the_change_is_gone(state: str, outcome: Outcome, code: int, finding: str) -> None:
    """A branch that still contains the change is exit code 1 with a finding."""
    summary = summarise(result(state, revert_sha=C, pull_request=7, cause="why"), CONTEXT)
    assert (summary.outcome, summary.exit_code) == (outcome, code)
    assert [f.id for f in summary.findings] == ([finding] if finding else [])
    assert summary.outputs["state"] == ("" if state == "planned" else state)
    assert A[:12] in summary.reason


def test_every_difference_is_named() -> None:
    """Text and data name the files by which the branch still differs from the base."""
    summary = summarise(result("partly-reverted", differences=("model.txt", "b\x1b.txt")), CONTEXT)
    assert f"still differs from {D[:12]}: model.txt, b .txt" in summary.text
    assert summary.data["differences"] == ["model.txt", "b\x1b.txt"]


def test_a_pull_request_is_addressed() -> None:
    """The text contains the address of the pull request, and why it was opened."""
    summary = summarise(result("pull-request", pull_request=7, cause="protected"), CONTEXT)
    assert "https://github.com/acme/shop/pull/7" in summary.text
    assert "#7: protected" in summary.reason


def test_a_dry_run_names_the_review() -> None:
    """The plan of a revert that would wait in a pull request says so, and why."""
    planned = result("planned")
    planned = replace(planned, plan=replace(planned.plan, cause="longer than the push"))
    summary = summarise(planned, CONTEXT)
    assert (summary.data["cause"], "longer than the push" in summary.reason) == ("longer than the push", True)


def test_a_refusal_keeps_its_code() -> None:
    """A refusal is exit code 1 with the state `refused`, its reason code and its hint."""
    summary = refusal(NeedsPerson("later commits changed a.txt", hint="by hand", reason_code="revert-conflict"))
    assert (summary.exit_code, summary.reason_code, summary.outputs["state"]) == (1, "revert-conflict", "refused")
    assert "by hand" in summary.text
