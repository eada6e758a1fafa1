"""Inputs and outputs of `baseline`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithToken


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `baseline`."""

    environment: Annotated[
        str, Doc(description="Environment whose deployment is the baseline of a push; empty: the one of the policy.")
    ] = ""
    base: Annotated[
        str, Doc(description="Commit of the baseline; empty: the deployed commit, or the merge base of a pull request.")
    ] = ""
    baseline_dir: Annotated[str, Doc(description="Folder to write baseline.json and the predictions to.")] = "baseline"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("base-sha", "Full SHA of the baseline's commit; none if there is no baseline yet."),
    Output("source", "deployment, merge-base, merge-queue, input or none."),
    Output("affected", "Whether the change has to be measured: false if it changes no file in `paths` of the policy."),
    Output(
        "build-key", "Key of the baseline's build in the cache, which only runs of the default branch saved; or empty."
    ),
    Output("build-missing", "Whether this push to the default branch has a build that is not in the cache yet."),
    Output("baseline-file", "Path of baseline.json, which `check` and `regression` read."),
)
