"""Inputs and outputs of `capacity`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, LoadLimits, Output


class Inputs(LoadLimits, frozen=True, kw_only=True):
    """Inputs of `capacity`; everything else is in the policy's sections `latency` (the requests) and `capacity`."""

    url: Annotated[str, Doc(description="Address of one replica of the service.")]
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file, with one request body per row; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedules and of the bootstrap.")] = 1


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("capacity", "Highest rate (requests per second) that meets the objectives: low end of the interval."),
    Output("capacity-low", "Highest rate that is shown to meet the objectives; empty if none does."),
    Output("capacity-high", "Lowest rate that is shown to miss them; empty if none was reached."),
    Output("replicas", "Replicas for the policy's `capacity.demand` with its `headroom`; empty without a demand."),
    Output("limited-by", "service, errors, generator, nothing (up to `most`) or unknown."),
)
