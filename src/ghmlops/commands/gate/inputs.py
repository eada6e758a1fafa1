"""Inputs and outputs of `gate`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, Output, WithAlerts

RECORD_FILE = "record.json"


class Inputs(WithAlerts, frozen=True, kw_only=True):
    """Inputs of `gate`."""

    commit: Annotated[str, Doc(description="Full SHA of the commit to judge; empty: the commit of the run.")] = ""
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
    signer_workflow: Annotated[
        str,
        Doc(description="Workflow that must have attested the evidence: OWNER/REPO/.github/workflows/FILE.yml."),
    ] = ""
    environment: Annotated[str, Doc(description="Environment to record; empty: the one of the policy.")] = ""
    environment_url: Annotated[str, Doc(description="Address of the deployed service, displayed on GitHub.")] = ""
    verdict_file: Annotated[str, Doc(description="File to write the verdict to.")] = "verdict.json"
    record_file: Annotated[
        str,
        Doc(
            description="File to leave the record for the history in, once it is on GitHub; finish leaves "
            "record-finish.json by default. See actions/history."
        ),
    ] = RECORD_FILE
    override_reason: Annotated[
        str, Doc(description="Why a person overrides an inconclusive verdict; only in a workflow_dispatch.")
    ] = ""
    override_comment: Annotated[
        int | None,
        Doc(
            description="Comment `/ghmlops override REASON` that overrides; its author is the person, not the starter."
        ),
    ] = None
    emergency_reason: Annotated[
        str,
        Doc(description="Why a maintainer deploys although evidence is not available; only in a workflow_dispatch."),
    ] = ""
    finish: Annotated[
        str, Doc(description="Close the deployment after it was carried out: success or failure; nothing is judged.")
    ] = ""
    deployment_id: Annotated[
        int | None, Doc(description="Deployment to finish; empty: the one that this run recorded.")
    ] = None


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("verdict-digest", "SHA-256 of the verdict without its time: the same evidence gives the same digest."),
    Output("decision", "allowed, hold (a person must decide) or refused."),
    Output("record-file", "Path of the record for the history; empty if nothing was recorded."),
    Output("deployment-id", "Id of the GitHub deployment; empty without a token."),
    Output("reason", "Reason of the verdict in one sentence."),
    Output("commit", "Full SHA of the commit that was judged."),
    Output("base-sha", "Full SHA of the commit that it was compared with; empty without one."),
)
