"""Inputs and outputs of `watch`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `watch`; the metrics are in the policy's section `watch`."""

    now: Annotated[
        str, Doc(description="Time at which production is judged, ISO 8601, to evaluate the past; empty: now.")
    ] = ""
    environment: Annotated[
        str, Doc(description="Environment whose deployments are looked at; empty: that of the policy.")
    ] = ""
    branch: Annotated[
        str, Doc(description="Branch of the history with the deployments; empty: deployments are not known.")
    ] = BRANCH
    remote: Annotated[str, Doc(description="Remote of the branch.")] = "origin"
    issue: Annotated[
        bool, Doc(description="Open one issue per metric with an alarm, edit it, and close it when the metric is back.")
    ] = False


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("alarms", "Number of metrics with an alarm that lasts."),
    Output("suspect", "Full SHA of the newest deployment that precedes an alarm; empty if none does."),
)
