"""Inputs and outputs of `remeasure`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Doc, Output, WithToken


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `remeasure`. It runs no code of the repository, and its policy is that of the trusted branch."""

    commit: Annotated[str, Doc(description="Full SHA of the commit to judge; empty: the commit of the run.")] = ""
    run_id: Annotated[
        str,
        Doc(description="Run whose evidence and predictions are fetched; empty: evidence-dir and predictions-dir."),
    ] = ""
    artifacts: Annotated[
        str, Doc(description="Names of the run's artifacts with evidence; the asterisk stands for LEG-ATTEMPT.")
    ] = "ghmlops-evidence-*"
    predictions: Annotated[
        str, Doc(description="Names of the run's artifacts with predictions; the asterisk stands for LEG-ATTEMPT.")
    ] = "ghmlops-predictions-*"
    predictions_dir: Annotated[
        str, Doc(description="Folder that `check` or `regression` copied the candidate's predictions to.")
    ] = ""
    environment: Annotated[
        str, Doc(description="Environment whose deployment is the baseline; empty: the one of the policy.")
    ] = ""
    base: Annotated[
        str, Doc(description="Full SHA of the baseline's commit; empty: what is deployed, or a merge base.")
    ] = ""
    engine: Annotated[str, Doc(description="duckdb (in process) or spark (the extra `spark`).")] = "duckdb"
    memory_limit: Annotated[
        str, Doc(description="Memory that the comparison uses before it spills to disk, e.g. 1GiB.")
    ] = "1GiB"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    Output("remeasured", "The result as JSON, for the input `remeasured` of actions/gate."),
)
