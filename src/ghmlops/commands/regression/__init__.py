"""Comparison of two Parquet prediction artifacts, row by row, or of a run or build with its repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.regression.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.regression.command import run as run_command

    return run_command(inputs, services)
