"""Inputs and outputs of `report`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, WithToken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence, Verdict
    from ghmlops.report.content.run_facts import Facts


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `report`."""

    markdown: Annotated[str, Doc(description="File to write the comment's Markdown to.")] = ""
    html: Annotated[str, Doc(description="File to write a self-contained HTML page to.")] = ""
    junit: Annotated[str, Doc(description="File to write JUnit XML to.")] = ""
    comment: Annotated[bool, Doc(description="Create or edit the one comment of the pull request.")] = True
    pull_request: Annotated[
        int | None, Doc(description="Number of the pull request; found from the event, or by head commit, where empty.")
    ] = None
    artifact_url: Annotated[str, Doc(description="Link to the uploaded evidence.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("comment-url", "Address of the comment; empty where none was written."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """All that is told."""

    verdict: Verdict
    evidence: Sequence[Evidence]
    facts: Facts
