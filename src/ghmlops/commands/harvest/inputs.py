"""Inputs and outputs of `harvest`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken
from ghmlops.core.history.record import BRANCH


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `harvest`; what is taken is in the policy's section `harvest`."""

    now: Annotated[
        str, Doc(description="Time of the harvest, ISO 8601, to evaluate the past; later requests do not count.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the sample; empty: 0, so that a log has one sample.")] = None
    environment: Annotated[
        str, Doc(description="Environment whose deployments end the days of a model; empty: that of the policy.")
    ] = ""
    branch: Annotated[
        str, Doc(description="Branch of the history with the deployments; empty: all days belong to one model.")
    ] = BRANCH
    remote: Annotated[str, Doc(description="Remote of the branch.")] = "origin"
    propose: Annotated[
        bool, Doc(description="Offer additions to the golden set by a pull request; otherwise only count them.")
    ] = False
    retrain: Annotated[
        bool,
        Doc(description="Start the training workflow of the policy if training again pays; otherwise only say so."),
    ] = False


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Number of rows of the sample."),
    Output("retrain-run", "Address of the run that trains the model again; empty if none was started."),
)
