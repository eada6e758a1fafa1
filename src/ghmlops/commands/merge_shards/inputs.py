"""Inputs and outputs of `merge-shards`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `merge-shards`."""

    shards: Annotated[
        str, Doc(description="Folder of the shards' evidence; each shard may be in a separate subfolder.")
    ] = "shards"


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the candidate's response time in milliseconds."),
    Output("ratio-p99", "Candidate over baseline at the 99th percentile; empty without a baseline."),
    Output("shards", "Number of shards that were joined."),
)
