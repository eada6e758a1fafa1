"""Recorded requests to baseline, twin and candidate: answers compared, nothing served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shadow.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.shadow.command import run as run_command

    return run_command(inputs, services)
