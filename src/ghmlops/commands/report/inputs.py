"""Inputs and outputs of `report`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `report`."""

    markdown: Annotated[str, Doc(description="File to write the comment's Markdown to.")] = ""
    html: Annotated[str, Doc(description="File to write a self-contained HTML page to.")] = ""
    junit: Annotated[str, Doc(description="File to write JUnit XML to.")] = ""
    badge: Annotated[str, Doc(description="File to write the badge to, as JSON for the endpoint of shields.io.")] = ""
    comment: Annotated[
        str,
        Doc(
            description="When the one comment of the pull request is created: always; changes (a value clearly became "
            "better or worse, or the outcome is not pass); failures (neither pass nor warn); off. An existing comment "
            "is edited unless off."
        ),
    ] = "always"
    history_branch: Annotated[
        str,
        Doc(description="Branch of the history, for the trend of the deciding metric in the comment; off: no trend."),
    ] = BRANCH
    measuring: Annotated[
        bool,
        Doc(description="Announce in the comment that a run measures the commit, instead of reporting evidence."),
    ] = False
    pull_request: Annotated[
        int | None, Doc(description="Number of the pull request; empty: from the event, or found by the head commit.")
    ] = None
    run_id: Annotated[
        str,
        Doc(description="Run whose evidence is fetched from GitHub; empty: the evidence is in evidence-dir."),
    ] = ""
    artifacts: Annotated[
        str, Doc(description="Names of the run's artifacts with evidence; the asterisk stands for LEG-ATTEMPT.")
    ] = "ghmlops-evidence-*"
    evidence_from: Annotated[
        str, Doc(description="Where the evidence of run-id is: artifacts, folder (evidence-dir), or branch:NAME.")
    ] = "artifacts"
    remeasured: Annotated[
        str,
        Doc(description="Output `remeasured` of actions/remeasure, or `required` to demand one; empty: not demanded."),
    ] = ""
    check_run: Annotated[
        bool, Doc(description="Write the verdict as a check run on the head of the pull request; needs run-id.")
    ] = False
    artifact_url: Annotated[str, Doc(description="Link to the uploaded evidence.")] = ""
    page_url: Annotated[str, Doc(description="Link to the HTML page, or to the run that uploads it.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("comment-url", "Address of the comment; empty if none was written."),
    Output("check-run-url", "Address of the check run; empty if none was written."),
)
