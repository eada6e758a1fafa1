"""Inputs and outputs of `synthetic`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, LoadLimits, Output


class Inputs(LoadLimits, frozen=True, kw_only=True):
    """Inputs of `synthetic`; everything else is in the policy's sections `latency` (requests) and `synthetic`."""

    url: Annotated[str, Doc(description="Address of the candidate.")]
    baseline_url: Annotated[
        str, Doc(description="Address of the baseline; empty: only what the policy declares can fail.")
    ] = ""
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file from which rows are generated; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the generated rows and of the order of the arms.")] = 1
    confirm: Annotated[
        str, Doc(description="Evidence file of a failed run, which this run repeats on fresh deployments.")
    ] = ""
    replay: Annotated[
        str, Doc(description="File of saved failures, which are asked again in place of generated rows.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("violations", "Relations that the candidate violates and the baseline does not."),
    Output("cases-file", "File of the saved failures, for --replay and the policy's `cases`; empty without a failure."),
)
