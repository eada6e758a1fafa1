"""Where a commit stands in an environment, by its deployments."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.steps.recorded import RecordedDeployment
from ghmlops.core.steps.standing import Standing, is_live, quarantining, serving, standing

SHA, OTHER = "a" * 40, "b" * 40


def recorded(state: str, **fields: Any) -> RecordedDeployment:
    """Return a deployment of a service."""
    return RecordedDeployment(**{"id": 1, "sha": SHA, "state": state, "service": "shop", **fields})


HOLD = "hold: inconclusive: No evidence."
STANDINGS = [
    (recorded("queued"), "allowed"),
    (recorded("in_progress", description="hold at 25% since T low-traffic"), "allowed"),
    (recorded("success", succeeded=True), "allowed"),
    (recorded("failure"), "quarantined"),
    (recorded("error"), "unfinished"),
    (recorded("pending", description=HOLD), "on hold"),
    (recorded("pending"), "undecided"),
    (recorded("inactive", succeeded=True), "replaced"),
    (recorded("inactive"), "unfinished"),
    (recorded("failure", service=""), "undecided"),
    (recorded("a new state of GitHub"), "unfinished"),
    # The runner closed the deployment of a job; ghmlops had let it through, held it, or refused it.
    (recorded("failure", adopted=True, own_state="queued"), "unfinished"),
    (recorded("failure", adopted=True, own_state="pending", description=HOLD), "on hold"),
    (recorded("failure", adopted=True, own_state="failure"), "quarantined"),
    (recorded("in_progress", adopted=True, own_state="failure"), "quarantined"),
]


@pytest.mark.parametrize(("deployment", "expected"), STANDINGS)
def test_standing(deployment: RecordedDeployment, expected: str) -> None:
    """The newest status that ghmlops set decides; an unknown end neither allows nor blocks."""
    assert standing(deployment) is Standing(expected)


HISTORIES = [
    # states, newest first; the place of the one that is in force
    ([], None),
    ([recorded("queued")], None),
    ([recorded("failure")], 0),
    ([recorded("error"), recorded("failure")], 1),
    ([recorded("pending", description=HOLD), recorded("failure")], 1),
    ([recorded("inactive"), recorded("failure")], 1),
    ([recorded("queued"), recorded("failure")], None),
    ([recorded("inactive", succeeded=True), recorded("failure")], None),
    ([recorded("failure"), recorded("success", succeeded=True), recorded("failure", id=2)], 0),
    ([recorded("failure", sha=OTHER)], None),
    ([recorded("failure", service="")], None),
]


@pytest.mark.parametrize(("history", "place"), HISTORIES)
def test_quarantine_holds_until_the_commit_is_allowed_again(
    history: list[RecordedDeployment], place: int | None
) -> None:
    """Holds and ends without a result do not lift it; another commit and an unknown service do not begin it."""
    assert quarantining(history, SHA) == (None if place is None else history[place])


@pytest.mark.parametrize(
    ("deployment", "live"),
    [
        (recorded("success"), True),
        (recorded("inactive", succeeded=True), False),
        (recorded("queued"), False),
        (recorded("success", sha=OTHER), False),
        (recorded("success", service=""), False),
        (recorded("success", adopted=True, own_state="queued"), False),
    ],
)
def test_live_is_an_active_success_of_this_commit(deployment: RecordedDeployment, live: bool) -> None:
    """A deployment that was replaced, that is queued, or that is of another commit is not live."""
    assert is_live([deployment], SHA) is live


SERVING = [
    # newest first; the place of the deployment that serves
    ([], None),
    ([recorded("queued"), recorded("success", succeeded=True)], 1),
    ([recorded("failure", succeeded=True), recorded("inactive", succeeded=True)], 1),
    ([recorded("inactive", succeeded=True), recorded("success", succeeded=True)], 1),
    ([recorded("failure"), recorded("inactive"), recorded("error", succeeded=True)], 2),
    ([recorded("failure", succeeded=True)], None),
    # A job's `environment:` counts only if nothing names the service.
    ([recorded("success", service="", succeeded=True), recorded("inactive", succeeded=True)], 1),
    ([recorded("success", service="", succeeded=True)], 0),
]


@pytest.mark.parametrize(("deployments", "place"), SERVING)
def test_what_serves(deployments: list[RecordedDeployment], place: int | None) -> None:
    """After a rollback it is what was replaced, and never what was rolled back."""
    expected = None if place is None else deployments[place]
    assert serving(deployments) is expected
