"""A deployment although evidence is not available: by a person whom GitHub confirms, with a reason that is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.gate.person import triggering_person
from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome
from ghmlops.core.steps.conditions import CONDITIONS
from ghmlops.core.steps.gate import passes
from ghmlops.core.steps.step import REASON_LIMIT, short
from ghmlops.core.verdict.review import REVIEWABLE

if TYPE_CHECKING:
    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.document import Verdict
    from ghmlops.measure.github import Client

CODE = "emergency"
UNAVAILABLE = ("evidence-missing", "evidence-unreadable")
"""Ids of the findings that say that evidence is not available. Any other finding comes from evidence that exists, or is
about the environment (`CONDITIONS`), which an emergency covers, too."""


def confirm_emergency(inputs: Inputs, services: Services, client: Client | None) -> str:
    """Return the reason with its person; empty if the run is no emergency.

    Raises:
        InputError: The run is not a `workflow_dispatch`, there is no token, or GitHub does not confirm that the person
            may maintain the repository.
        GitHubError: The role of the person could not be read.
    """
    reason = short(inputs.emergency_reason, REASON_LIMIT)
    if not reason:
        return ""
    if services.context.event_name != "workflow_dispatch":
        raise InputError(
            f"input `emergency-reason`: the event is {services.context.event_name or 'unknown'}, not workflow_dispatch",
            hint="start the workflow by hand; no automatic run may deploy without evidence",
        )
    if client is None:
        raise InputError(
            "input `emergency-reason`: the person cannot be confirmed without a token",
            hint="pass `token: ${{ github.token }}`",
        )
    from ghmlops.measure.github.collaborators import is_maintainer

    # The API that describes the run may be what is down; then the runner names the person.
    person = short(triggering_person(client, services, tolerant=True))
    if not is_maintainer(client, person):
        raise InputError(
            f"input `emergency-reason`: GitHub does not list {person or 'an unknown person'} as a maintainer",
            hint="a person with the role maintain or admin must start the workflow",
        )
    return f"{reason} (by {person})"


def allow_emergency(verdict: Verdict, reason: str, unavailable: str) -> Verdict:
    """Return the verdict of an emergency, if evidence is not available; evidence that exists counts as always.

    Args:
        verdict: the verdict over the evidence.
        reason: the confirmed reason; empty if the run is no emergency.
        unavailable: why the evidence could not be fetched; empty if it could.
    """
    blocking = {finding.id for finding in verdict.findings if not passes(finding.outcome)}
    if not reason or passes(verdict.outcome) or verdict.outcome is Outcome.FAIL:
        return verdict
    # The recorded reason of a maintainer is a way out for changed inputs, too, but not the purpose of an emergency.
    purpose = blocking - set(REVIEWABLE)
    if not unavailable and (not purpose <= {*UNAVAILABLE, *CONDITIONS} or (blocking and not purpose)):
        return verdict
    without = ", without evidence" if unavailable or purpose & set(UNAVAILABLE) else ""
    return msgspec.structs.replace(
        verdict,
        outcome=Outcome.WARN,
        reason_code=CODE,
        reason=f"Deployed in an emergency{without}: {reason} ({unavailable or verdict.reason})",
        override=reason,
    )
