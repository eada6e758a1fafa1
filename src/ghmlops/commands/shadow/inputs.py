"""Inputs and outputs of `shadow`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Doc, LoadLimits, Output


class Inputs(LoadLimits, frozen=True, kw_only=True):
    """Inputs of `shadow`; everything else is in the policy's section `shadow`."""

    url: Annotated[str, Doc(description="Address of the candidate; not used with `access-logs`.")] = ""
    baseline_url: Annotated[str, Doc(description="Address of the baseline.")] = ""
    twin_url: Annotated[
        str,
        Doc(description="Address of a second process of the baseline; empty: the baseline is asked twice."),
    ] = ""
    requests: Annotated[
        str, Doc(description="Recorded requests (Parquet, JSONL or HAR); overrides the file of the policy.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the order in which the arms are asked.")] = 1
    repeatable: Annotated[
        bool,
        Doc(description="The caller repeats a failure on restarted services, so that one changed answer may fail."),
    ] = False
    confirm: Annotated[
        str, Doc(description="Evidence file of a failed run, which this run repeats on restarted services.")
    ] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("compared", "Number of requests whose answers were compared."),
    Output("changed", "Number of places of the answers at which a change is proven."),
)
