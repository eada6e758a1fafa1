"""Inputs and outputs of `watch`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `watch`; the metrics are in the policy's section `watch`."""

    task: Annotated[
        str,
        Doc(
            description="observe, or in a workflow that observe started: claim (whether its request is still to be "
            "carried out) or conclude (the paired verdict, from the evidence)."
        ),
    ] = "observe"
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
        bool, Doc(description="Open one issue per incident, edit it, and close it when all its metrics are back.")
    ] = False
    respond: Annotated[
        bool, Doc(description="Start the workflows of `watch.workflows` that the policy wants; false: only report.")
    ] = False
    request: Annotated[str, Doc(description="claim and conclude: id of the request that started the workflow.")] = ""
    commit: Annotated[str, Doc(description="claim and conclude: full SHA of the current deployment.")] = ""
    base: Annotated[str, Doc(description="claim and conclude: full SHA of the last good deployment.")] = ""
    alarm: Annotated[str, Doc(description="claim and conclude: the alarm, METRIC@ONSET.")] = ""
    verdict_file: Annotated[str, Doc(description="conclude: file to write the paired verdict to.")] = "verdict.json"
    record_file: Annotated[
        str, Doc(description="conclude: file to leave the record for the history in. See actions/history.")
    ] = "record.json"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("alarms", "Number of metrics with an alarm that lasts."),
    Output("suspect", "Full SHA of the newest deployment that precedes an alarm; empty if none does."),
    Output("states", "Where each incident stands, by commas: external, confirm, confirming, act ..."),
    Output("proceed", "claim: true if the request is still to be carried out."),
    Output("verdict-file", "conclude: path of the paired verdict."),
    Output("record-file", "conclude: path of the record for the history."),
)
