"""Inputs and outputs of `scale`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `scale`; capacity, demand and limits are in the policy's section `scale`."""

    commit: Annotated[
        str, Doc(description="Full SHA of the commit whose replicas run; empty: the commit of the checkout.")
    ] = ""
    baseline_capacity: Annotated[
        str,
        Doc(
            description="Capacity evidence of the baseline: say whether the candidate needs more replicas, and no more."
        ),
    ] = ""
    mode: Annotated[str, Doc(description="plan or apply; empty: that of the policy.")] = ""
    manifests: Annotated[
        str, Doc(description="Folder to which the manifests are written; empty: they are printed only.")
    ] = ""
    environment: Annotated[
        str, Doc(description="Environment whose promotions keep the replicas; empty: that of the policy.")
    ] = ""
    branch: Annotated[
        str, Doc(description="Branch of the history with the promotions; empty: only their lock counts.")
    ] = BRANCH
    hold: Annotated[str, Doc(description="Reason why no replica may be removed now, such as an incident.")] = ""
    step_file: Annotated[
        str,
        Doc(description="File with the time of the last step for the next run, if a cache keeps it; empty: none."),
    ] = ".ghmlops-scale.json"
    record_file: Annotated[
        str,
        Doc(
            description="File to leave the record for the history in, if the replicas change or should; empty: none. "
            "See actions/history."
        ),
    ] = "record.json"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("replicas", "Replicas of the plan; empty if they are not known."),
    Output("required", "Replicas that the demand needs, before limits and steps; empty if that is not known."),
    Output("applied", "Whether the replicas were set: true or false."),
    Output("record-file", "Path of the record for the history; empty if the replicas stay."),
)
