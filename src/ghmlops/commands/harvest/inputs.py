"""Inputs and outputs of `harvest`."""

from __future__ import annotations

from typing import Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `harvest`; what is taken is in the policy's section `harvest`."""

    now: Annotated[
        str, Doc(description="Time of the harvest, ISO 8601, to evaluate the past; later requests do not count.")
    ] = ""
    seed: Annotated[int | None, Doc(description="Seed of the sample; empty: 0, so that a log has one sample.")] = None


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Number of rows of the sample."),
)
