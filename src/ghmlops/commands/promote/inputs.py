"""Inputs and outputs of `promote`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithAlerts


class Inputs(WithAlerts, frozen=True, kw_only=True):
    """Inputs of `promote`. It reads the policy of the checkout, which must be that of the trusted branch."""

    commit: Annotated[str, Doc(description="Full SHA of the candidate's commit, which its servers run already.")]
    environment: Annotated[str, Doc(description="Environment to promote in; empty: the one of the policy.")] = ""
    resume: Annotated[
        bool, Doc(description="Continue a ladder at the rung that the target has, after a hold or an interrupted run.")
    ] = False
    rollback: Annotated[
        str,
        Doc(
            description="Why the traffic of the candidate returns to the baseline now, a complete promotion included; "
            "empty: promote. See actions/watch."
        ),
    ] = ""
    lock: Annotated[
        str,
        Doc(
            description="take or release: only change the lock of the environment, in a job with `contents: write`; "
            "empty: promote."
        ),
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("decision", "complete, hold or rollback; running if the run was interrupted."),
    Output("share", "Share of the traffic that the candidate has at the end, between 0 and 1."),
    Output("record-file", "Path of the record of the promotion."),
    Output("verdict-file", "Verdict that plans a revert after a rollback; empty otherwise. See actions/revert."),
)
