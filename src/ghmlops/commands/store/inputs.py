"""Inputs and outputs of `store`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.evidence.stored import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `store`."""

    run_id: Annotated[str, Doc(description="Run that measured; empty: this run.")] = ""
    branch: Annotated[str, Doc(description="Branch to store the evidence on.")] = BRANCH
    remote: Annotated[str, Doc(description="Remote to push to.")] = "origin"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("evidence-sha", "Commit of the branch that contains the evidence."),
    Output("files", "Number of files of the run."),
)
