"""Inputs and outputs of `latency`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, LoadLimits, Output


class Inputs(LoadLimits, frozen=True, kw_only=True):
    """Inputs of `latency`; everything else is in the policy's section `latency`."""

    url: Annotated[str, Doc(description="Address of the candidate.")]
    baseline_url: Annotated[str, Doc(description="Address of the baseline; empty: objectives only.")] = ""
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file with one request body per row; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedule and of the write order.")] = 1
    confirm: Annotated[
        str, Doc(description="Evidence file of a failed run, which this run repeats on fresh deployments.")
    ] = ""
    shard: Annotated[
        str,
        Doc(description="Send one part of the schedule: 3/16 for the third of sixteen; merge-shards joins the parts."),
    ] = ""
    start_at: Annotated[
        str, Doc(description="Start at this time, in seconds of the Unix epoch; the same for all shards.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the candidate's response time in milliseconds."),
    Output("ratio-p99", "Candidate over baseline at the 99th percentile; empty without a baseline."),
)
