"""Diff of two Parquet prediction artifacts, row by row: contract, metrics, behaviour, slices, windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `regression`; the rest stands in the policy's section `regression`."""

    baseline: Annotated[str, Doc(description="Parquet file of the baseline's predictions; overrides the policy.")] = ""
    candidate: Annotated[str, Doc(description="Parquet file of the candidate's predictions; overrides the policy.")] = (
        ""
    )
    labels: Annotated[str, Doc(description="Parquet file of labels joined by key, where the artifacts hold none.")] = ""
    memory_limit: Annotated[str, Doc(description="Memory the diff may use before it spills to disk, e.g. 1GiB.")] = (
        "1GiB"
    )


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Rows that were paired."),
    Output("failed-findings", "Number of findings that failed."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
