"""Latency smoke test of one URL; against a baseline URL, the paired ("duet") verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output

if TYPE_CHECKING:
    from ghmlops.commands.base import Result, Services


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `latency`; the rest stands in the policy's section `latency`."""

    url: Annotated[str, Doc(description="Address of the candidate.")]
    baseline_url: Annotated[str, Doc(description="Address of the baseline; empty: objectives only.")] = ""
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file, one request body a row; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedule and of the coins.")] = 1
    confirm: Annotated[
        str, Doc(description="Evidence file of a failed run that this run, on fresh deployments, is to confirm.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("p99", "99th percentile of the candidate's response time in milliseconds."),
    Output("ratio-p99", "Candidate over baseline at the 99th percentile; empty without a baseline."),
)


def run(inputs: Inputs, services: Services) -> Result:
    raise RuntimeError("being built")
