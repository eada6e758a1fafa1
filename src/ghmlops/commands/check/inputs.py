"""Inputs and outputs of `check`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, VERDICT_OUTPUT, Doc, LoadLimits, Output


class Inputs(LoadLimits, frozen=True, kw_only=True):
    """Inputs of `check`. It runs the code of the pull request, without a token; `report` comments from its evidence."""

    url: Annotated[str, Doc(description="Address of the candidate; empty: the preview of the policy is started.")] = ""
    baseline_url: Annotated[
        str, Doc(description="Address of the baseline; empty: the preview command is started on the base commit too.")
    ] = ""
    base: Annotated[str, Doc(description="Commit of the baseline, or none; empty: the base of the pull request.")] = ""
    baseline_file: Annotated[
        str, Doc(description="The baseline.json of actions/baseline, with the predictions that it downloaded.")
    ] = ""
    baseline: Annotated[
        str, Doc(description="The baseline's predictions: file, glob or folder; overrides the policy.")
    ] = ""
    candidate: Annotated[
        str, Doc(description="The candidate's predictions: file, glob or folder; overrides the policy.")
    ] = ""
    predictions_dir: Annotated[
        str,
        Doc(description="Folder to copy the candidate's predictions to, for actions/remeasure; empty: no copy."),
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedule and of the write order.")] = 1
    build_cache: Annotated[
        str, Doc(description="Folder of builds of the baseline by their printed keys, for actions/cache; empty: none.")
    ] = ""
    prepare_build: Annotated[
        bool,
        Doc(
            description="Only build this commit into build-cache, for the changes that start from it; measure nothing."
        ),
    ] = False
    markdown: Annotated[str, Doc(description="File to write the report's Markdown to.")] = ""
    html: Annotated[str, Doc(description="File to write a self-contained HTML page to.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    VERDICT_OUTPUT,
    Output("evidence-dir", "Folder of the evidence files, to upload as an artifact."),
    Output("build-key", "With prepare-build: key under which actions/cache/save keeps build-cache."),
)
