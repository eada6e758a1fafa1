"""Inputs and outputs of `report`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, WithToken


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `report`."""

    markdown: Annotated[str, Doc(description="File to write the comment's Markdown to.")] = ""
    html: Annotated[str, Doc(description="File to write a self-contained HTML page to.")] = ""
    junit: Annotated[str, Doc(description="File to write JUnit XML to.")] = ""
    comment: Annotated[bool, Doc(description="Create or edit the one comment of the pull request.")] = True
    pull_request: Annotated[
        int | None, Doc(description="Number of the pull request; empty: from the event, or found by the head commit.")
    ] = None
    artifact_url: Annotated[str, Doc(description="Link to the uploaded evidence.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("comment-url", "Address of the comment; empty if none was written."),
)
