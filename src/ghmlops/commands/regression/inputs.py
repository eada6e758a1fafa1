"""Inputs and outputs of `regression`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, Output, WithToken

if TYPE_CHECKING:
    pass


_SPEC = "a file, glob, folder, list, `artifact:NAME@BRANCH`, `#RUN` or `@SHA`, or an s3, gs or az URL"


class Inputs(WithToken, frozen=True, kw_only=True):
    """Inputs of `regression`; the rest stands in the policy's section `regression`."""

    token: Annotated[
        str,
        Doc(
            description="GitHub token; only artifacts of other runs need one (actions: read).",
            extra={"secret": "asked"},
        ),
    ] = ""
    baseline: Annotated[str, Doc(description=f"The baseline's predictions: {_SPEC}; overrides the policy.")] = ""
    candidate: Annotated[
        str, Doc(description="The candidate's predictions, named like the baseline's; overrides the policy.")
    ] = ""
    labels: Annotated[
        str, Doc(description="Labels joined by key, where the artifacts hold none; named like the baseline.")
    ] = ""
    engine: Annotated[str, Doc(description="duckdb (in process) or spark (the extra `spark`).")] = "duckdb"
    spark_master: Annotated[
        str, Doc(description="Master URL for engine spark: local[2], spark://host:7077, yarn, k8s://...")
    ] = "local[*]"
    memory_limit: Annotated[str, Doc(description="Memory the diff may use before it spills to disk, e.g. 1GiB.")] = (
        "1GiB"
    )
    replay: Annotated[str, Doc(description="Evidence file whose measurement is repeated and compared.")] = ""
    rebuild: Annotated[
        str, Doc(description="Build command that is run twice to see whether its artifacts are reproducible.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Rows that were paired."),
    Output("failed-findings", "Number of findings that failed."),
)
