"""Write the revert commit for a bad commit and push it, fast-forward, safely and once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import OUTCOME_OUTPUTS, Doc, Output, WithToken

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `revert`. Either a verdict that failed for this commit, or a person's reason, must be given."""

    commit: Annotated[str, Doc(description="Commit to revert: SHA, comma list, range A..B, or #PR.")]
    branch: Annotated[str, Doc(description="Branch to revert on; the remote's default branch where empty.")] = ""
    remote: Annotated[str, Doc(description="Remote to push to.")] = "origin"
    mode: Annotated[str, Doc(description="push, or pull-request (also the way out where the branch is protected).")] = (
        "push"
    )
    verdict_file: Annotated[str, Doc(description="Verdict that asks for the revert.")] = ""
    reason: Annotated[str, Doc(description="Why a person asks for the revert; instead of a verdict.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("state", "reverted, already-reverted, pull-request or refused."),
    Output("revert-sha", "The revert commit; empty where none was needed or possible."),
    Output("pull-request", "Number of the revert pull request, where one was opened."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
