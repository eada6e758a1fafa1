"""Who asks for an exception, by GitHub's API: the person who started this attempt, and what that person may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import GitHubError, InputError
from ghmlops.core.steps.step import REASON_LIMIT, short

if TYPE_CHECKING:
    from ghmlops.commands.gate.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.gate import Override
    from ghmlops.measure.github import Client


def confirm_override(
    inputs: Inputs, services: Services, client: Client | None, rules: Override, commit: str = ""
) -> str:
    """Return the reason of an override with its person; empty if nobody overrides.

    Args:
        inputs: Inputs of the command.
        services: Services of the command.
        client: The connection; `None` without a token.
        rules: Who may override.
        commit: Full SHA of the commit to judge, which an override by a comment must be about.

    Raises:
        InputError: The run is not a `workflow_dispatch`, there is no token, or GitHub does not confirm that the person
            may override.
        GitHubError: Run or role could not be read.
    """
    reason = short(inputs.override_reason, REASON_LIMIT)
    if not reason and inputs.override_comment is None:
        return ""
    if services.context.event_name != "workflow_dispatch":
        raise InputError(
            f"input `override-reason`: the event is {services.context.event_name or 'unknown'}, not workflow_dispatch",
            hint="start the workflow by hand; no automatic run may override a verdict",
        )
    if client is None:
        raise InputError(
            "input `override-reason`: the person cannot be confirmed without a token",
            hint="pass `token: ${{ github.token }}` with `permissions: {actions: read}`",
        )
    if inputs.override_comment is not None:
        from ghmlops.commands.gate.commented import commented_override

        person, reason = commented_override(inputs, client, commit)
    else:
        person = short(triggering_person(client, services))
    if not may_override(client, person, rules):
        raise InputError(
            f"input `override-reason`: GitHub does not confirm that {person or 'an unknown person'} may override; "
            f"{describe_rules(rules)} may",
            hint="let such a person start the workflow, or change `gate.override` in a reviewed commit",
        )
    return f"{reason} (by {person})"


def triggering_person(client: Client, services: Services, *, tolerant: bool = False) -> str:
    """Return the login of the person who started this attempt; empty if GitHub names nobody.

    Args:
        client: The connection.
        services: Services of the command.
        tolerant: Whether the runner names the person if the API does not describe the run.

    Raises:
        GitHubError: The run could not be read, and the call is not tolerant.
    """
    from ghmlops.measure.github.runs import triggering_actor

    context = services.context
    person = context.triggering_actor or context.actor
    if not context.run_id:
        return person if tolerant else ""
    try:
        return triggering_actor(client, context.run_id, context.run_attempt) or (person if tolerant else "")
    except GitHubError as error:
        if not tolerant:
            raise
        services.console.note(f"the runner names the person, because the run cannot be read: {error.message}")
        return person


def describe_rules(rules: Override) -> str:
    """Return who may override, as it is named in a sentence."""
    roles = {
        "write": "people with the role write or higher",
        "maintain": "people with the role maintain or admin",
        "admin": "people with the role admin",
    }
    teams = f" and members of {', '.join(rules.teams)}" if rules.teams else ""
    return f"{roles[rules.role]}{teams}"


def may_override(client: Client, person: str, rules: Override) -> bool:
    """Return whether GitHub confirms that a person has the role, or is a member of a team of the rules.

    Raises:
        GitHubError: The role could not be read.
    """
    from ghmlops.measure.github.collaborators import has_role, is_team_member

    return has_role(client, person, rules.role) or any(is_team_member(client, person, team) for team in rules.teams)
