"""Where a commit stands in an environment, by its recorded deployments: allowed, on hold, or in quarantine.

GitHub's state alone does not tell: a closed job and a failed deployment may both be a failure. What counts is the
newest status that ghmlops set itself, and for a promotion its description.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from ghmlops.core.steps.recorded import OPEN_STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.steps.recorded import RecordedDeployment

HOLD_PREFIX = "hold: "
"""Beginning of the description of a deployment that the gate holds until a person decides."""
_LADDER = re.compile(r"(?:rung [0-9]+/[0-9]+|hold at|rollback from) ")
"""Beginning of the description of a promotion on its way, on hold in mid-ladder, or on the way back."""


class Standing(StrEnum):
    """What the newest decision about a deployment means for the next one."""

    ALLOWED = "allowed"
    """The gate let it through; it may be carried out, is being carried out, or is live."""
    ON_HOLD = "on hold"
    """The gate waits for a person."""
    QUARANTINED = "quarantined"
    """It failed: at the gate, in its deployment, or during its promotion."""
    UNFINISHED = "unfinished"
    """It is unknown what became of it, or it could not be judged. That neither allows nor blocks anything."""
    REPLACED = "replaced"
    """It was live, and another deployment took its place."""
    UNDECIDED = "undecided"
    """No decision of ghmlops is recorded."""


_STANDINGS = {
    "queued": Standing.ALLOWED,
    "in_progress": Standing.ALLOWED,
    "success": Standing.ALLOWED,
    "failure": Standing.QUARANTINED,
}


def standing(deployment: RecordedDeployment) -> Standing:
    """Return where a deployment stands."""
    if not deployment.service:
        return Standing.UNDECIDED
    state = deployment.own_state or deployment.state
    if deployment.state in ("failure", "error") and state in OPEN_STATES:
        # The job of an adopted deployment ended; what became of the deployment itself is not recorded.
        return Standing.ON_HOLD if _waits(deployment, state) else Standing.UNFINISHED
    if state == "pending":
        return Standing.ON_HOLD if _waits(deployment, state) else Standing.UNDECIDED
    if state == "inactive":
        return Standing.REPLACED if deployment.succeeded else Standing.UNFINISHED
    return _STANDINGS.get(state, Standing.UNFINISHED)


def _waits(deployment: RecordedDeployment, state: str) -> bool:
    return state == "pending" and deployment.description.startswith(HOLD_PREFIX)


def is_on_ladder(deployment: RecordedDeployment) -> bool:
    """Return whether a promotion is on its way, on hold, or on the way back: the next `promote` goes on with it."""
    return deployment.state in OPEN_STATES and _LADDER.match(deployment.description) is not None


def quarantining(deployments: Sequence[RecordedDeployment], commit: str) -> RecordedDeployment | None:
    """Return the failed deployment that keeps a commit in quarantine; `None` if there is none.

    A failure holds until the commit is allowed again, which takes an override. Deployments that were held, or that
    ended without a result, change nothing.

    Args:
        deployments: Deployments of one service to one environment, newest first.
        commit: Full SHA.
    """
    for deployment in deployments:
        if deployment.sha != commit:
            continue
        match standing(deployment):
            case Standing.QUARANTINED:
                return deployment
            case Standing.ALLOWED | Standing.REPLACED:
                return None
    return None


def is_live(deployments: Sequence[RecordedDeployment], commit: str) -> bool:
    """Return whether a commit has an active, successful deployment among those of one service and environment."""
    return any(
        d.sha == commit and d.service and d.state == "success" and d.own_state in ("", "success") for d in deployments
    )


def was_good(deployment: RecordedDeployment) -> bool:
    """Return whether a deployment was live, and was not rolled back since: what fails after its success was."""
    return deployment.succeeded and standing(deployment) is not Standing.QUARANTINED


def serving(deployments: Sequence[RecordedDeployment]) -> RecordedDeployment | None:
    """Return the deployment whose commit serves; `None` if none is known.

    After a rollback, what had been replaced serves again, although it stays `inactive`.
    Deployments that name no service count only if no other does, because any job may use the environment.

    Args:
        deployments: Deployments of one service to one environment, newest first.
    """
    candidates = [d for d in deployments if d.service] or deployments
    live = (d for d in candidates if d.state == "success")
    former = (d for d in candidates if was_good(d))
    return next(live, None) or next(former, None)
