"""Inputs and outputs of `init`. What is not stated is derived from the repository, or asked for on a terminal."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import OUTCOME_OUTPUTS, Common, Doc


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `init`."""

    service: Annotated[str, Doc(description="Name of the service; empty: the name of the folder.")] = ""
    command: Annotated[str, Doc(description="Command that starts the service, with {port}.")] = ""
    url: Annotated[str, Doc(description="Address of a deployment to use in place of a command.")] = ""
    build: Annotated[str, Doc(description="Shell text that builds each arm before its service starts.")] = ""
    predict: Annotated[
        str, Doc(description='Shell text that writes the predictions of a commit to "$PREDICTIONS", if none has them.')
    ] = ""
    ready: Annotated[str, Doc(description="Path that answers 2xx once the service is ready.")] = ""
    path: Annotated[str, Doc(description="Path that receives the requests of the latency comparison.")] = ""
    payloads: Annotated[str, Doc(description="File with one request body per row: .jsonl or .parquet.")] = ""
    baseline: Annotated[str, Doc(description="Predictions of the baseline: file, glob, artifact or address.")] = ""
    candidate: Annotated[str, Doc(description="Predictions of the candidate: file, glob, artifact or address.")] = ""
    labels: Annotated[str, Doc(description="Separate file with the labels.")] = ""
    task: Annotated[str, Doc(description="binary, multiclass, regression, ranking or embedding.")] = ""
    key: Annotated[str, Doc(description="Columns that identify a row, by commas.")] = ""
    label: Annotated[str, Doc(description="Column of the true answer.")] = ""
    score: Annotated[str, Doc(description="Column of the score; one per class by commas.")] = ""
    prediction: Annotated[str, Doc(description="Column of the decision or the predicted value.")] = ""
    time: Annotated[str, Doc(description="Column of the event time.")] = ""
    slices: Annotated[str, Doc(description="Columns that define slices, by commas.")] = ""
    classes: Annotated[str, Doc(description="Classes in the order of the scores, by commas.")] = ""
    environment: Annotated[str, Doc(description="Environment of the deployment that the gate judges.")] = "production"
    setup: Annotated[str, Doc(description="Commands that prepare the machine of the measurement.")] = ""
    starter: Annotated[
        bool, Doc(description="Write a commented example of every section in place of a policy for this repository.")
    ] = False


OUTPUTS = OUTCOME_OUTPUTS
