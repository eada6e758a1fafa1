"""Inputs and outputs of `capacity`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output

if TYPE_CHECKING:
    pass


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `capacity`; the rest stands in the policy's sections `latency` (the requests) and `capacity`."""

    url: Annotated[str, Doc(description="Address of the service, one replica of it.")]
    payloads: Annotated[
        str, Doc(description="Parquet or JSONL file, one request body a row; overrides the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the schedules and of the bootstrap.")] = 1


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("capacity", "Highest rate (requests a second) that meets the objectives: the interval's low end."),
    Output("capacity-low", "Highest rate that is shown to meet the objectives; empty where none does."),
    Output("capacity-high", "Lowest rate that is shown to miss them; empty where none was reached."),
    Output("replicas", "Replicas for the policy's `capacity.demand` with its `headroom`; empty where not asked."),
    Output("limited-by", "service, errors, generator, nothing (up to `most`) or unknown."),
)
