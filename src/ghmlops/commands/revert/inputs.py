"""Inputs and outputs of `revert`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithAlerts


class Inputs(WithAlerts, frozen=True, kw_only=True):
    """Inputs of `revert`. It requires either a confirmed verdict about these commits, or a person's reason."""

    commit: Annotated[
        str,
        Doc(
            description="Commit to revert: SHA, comma list, range A..B, #PR, or deployment:ID of one that failed. The "
            "SHA of the commit that the verdict judged stands for the whole range that the verdict covers."
        ),
    ]
    branch: Annotated[str, Doc(description="Branch to revert on; empty: the default branch of the remote.")] = ""
    remote: Annotated[str, Doc(description="Remote to push to.")] = "origin"
    mode: Annotated[
        str,
        Doc(
            description="push, or pull-request (also used if the branch is protected, or the verdict covers more than "
            "one push)."
        ),
    ] = "push"
    verdict_file: Annotated[str, Doc(description="Verdict that justifies the revert.")] = ""
    confirmation_file: Annotated[
        str,
        Doc(
            description="Verdict of the gate on a later measurement, which confirms that of a promotion; empty: "
            "verdict-file is confirmed already."
        ),
    ] = ""
    environment: Annotated[
        str, Doc(description="Environment that the verdict must be about; empty: the one of the policy.")
    ] = ""
    before: Annotated[
        str,
        Doc(description="Full SHA of the branch before the push of these commits; empty: from the event of the push."),
    ] = ""
    single_commit: Annotated[
        bool, Doc(description="Revert only the commit, instead of the whole range that the verdict covers.")
    ] = False
    record_file: Annotated[
        str, Doc(description="File to leave the record for the history in; empty: none. See actions/history.")
    ] = ""
    dispatch: Annotated[
        str,
        Doc(description="Workflow file to start on the branch after a push; empty: `revert.dispatch` of the policy."),
    ] = ""
    defer: Annotated[
        bool,
        Doc(
            description="Leave the start of the deployment and the issue about a conflict to a later job with other "
            "permissions, which receives the output follow-up."
        ),
    ] = False
    follow_up: Annotated[
        str, Doc(description="Output follow-up of an earlier step: do what it left; nothing is reverted.")
    ] = ""
    reason: Annotated[str, Doc(description="Why a person requests the revert, instead of a verdict.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("state", "reverted, partly-reverted, already-reverted, pull-request or refused."),
    Output("revert-sha", "The last revert commit; empty if none was needed or possible."),
    Output("record-file", "Path of the record for the history; empty without the input."),
    Output("pull-request", "Number of the revert pull request; empty if none was opened."),
    Output("dispatched", "started, running (it has a run already) or failed; empty if no workflow is named."),
    Output("issue", "Number of the issue about a conflict; empty if there is none."),
    Output("follow-up", "What a later job is to do, as JSON; empty without defer, or if nothing is left."),
)
