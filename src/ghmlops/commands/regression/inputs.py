"""Inputs and outputs of `regression`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken

_SPEC = "a file, glob, folder, list, `artifact:NAME@BRANCH`, `#RUN` or `@SHA`, or an s3, gs or az URL"


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `regression`; everything else is in the section `regression` of the policy."""

    token: Annotated[
        str,
        Doc(
            description="GitHub token; required only for artifacts of other runs (actions: read).",
            extra={"secret": "asked"},
        ),
    ] = ""
    baseline: Annotated[str, Doc(description=f"Predictions of the baseline: {_SPEC}; overrides the policy.")] = ""
    candidate: Annotated[
        str, Doc(description="Predictions of the candidate, specified like the baseline's; overrides the policy.")
    ] = ""
    labels: Annotated[
        str, Doc(description="Labels to join by key, if the artifacts have no label; specified like the baseline.")
    ] = ""
    baseline_file: Annotated[
        str, Doc(description="The baseline.json of actions/baseline, with the predictions that it downloaded.")
    ] = ""
    predictions_dir: Annotated[
        str,
        Doc(description="Folder to copy the candidate's predictions to, for actions/remeasure; empty: no copy."),
    ] = ""
    engine: Annotated[str, Doc(description="duckdb (in process) or spark (the extra `spark`).")] = "duckdb"
    spark_master: Annotated[
        str, Doc(description="Master URL for the engine spark: local[2], spark://host:7077, yarn, k8s://...")
    ] = "local[*]"
    memory_limit: Annotated[
        str, Doc(description="Memory that the comparison uses before it spills to disk, e.g. 1GiB.")
    ] = "1GiB"
    replay: Annotated[str, Doc(description="Evidence file whose measurement is repeated and compared.")] = ""
    rebuild: Annotated[
        str, Doc(description="Build command that is run twice to check whether its artifacts are reproducible.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Number of paired rows."),
    Output("failed-findings", "Number of findings that failed."),
)
