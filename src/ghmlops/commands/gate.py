"""Merge evidence into a verdict for one exact commit, and record the deployment with its statuses on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, WithToken

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `gate`."""

    commit: Annotated[str, Doc(description="Full SHA of the commit to judge; the run's own commit where empty.")] = ""
    environment: Annotated[str, Doc(description="Environment to record; the policy's where empty.")] = ""
    environment_url: Annotated[str, Doc(description="Address of the deployed service, shown on GitHub.")] = ""
    verdict_file: Annotated[str, Doc(description="File to write the verdict to.")] = "verdict.json"
    override_reason: Annotated[
        str, Doc(description="Why a person lets an inconclusive verdict through; a failure is never let through.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("deployment-id", "Id of the GitHub deployment; empty without a token."),
    Output("reason", "The verdict's reason in one sentence."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
