"""Inputs and outputs of `slash-command`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithToken


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `slash-command`."""

    measure_workflow: Annotated[
        str, Doc(description="File name of the workflow that measures pull requests; `/ghmlops rerun` runs it again.")
    ]
    gate_workflow: Annotated[
        str,
        Doc(description="File name of the workflow that `/ghmlops override REASON` starts; empty: no overrides."),
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("slash-command", "rerun or override; empty if the comment contains no command that was understood."),
    Output("run-url", "Address of the run that was started; empty if none was."),
)
