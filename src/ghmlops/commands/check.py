"""Run all that the policy asks for before a merge: preview, latency, regression; one report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Common, Doc, Output

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `check`. It runs the pull request's code, so it takes no token: `report` comments from its evidence."""

    baseline_url: Annotated[
        str, Doc(description="Address of the baseline; empty: the preview command is started on the base commit too.")
    ] = ""
    base: Annotated[str, Doc(description="Commit of the baseline; the pull request's base where empty.")] = ""
    baseline: Annotated[str, Doc(description="Parquet file of the baseline's predictions; overrides the policy.")] = ""
    candidate: Annotated[str, Doc(description="Parquet file of the candidate's predictions; overrides the policy.")] = (
        ""
    )
    seed: Annotated[int | None, Doc(description="Seed of the schedule and of the coins.")] = 1
    markdown: Annotated[str, Doc(description="File to write the report's Markdown to.")] = ""
    html: Annotated[str, Doc(description="File to write a self-contained HTML page to.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("evidence-dir", "Folder of the evidence files, to upload as an artifact."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
