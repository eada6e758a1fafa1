"""Looks at metrics of production: lasting changes for the worse, error budgets, and data that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.watch.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.watch.command import run as run_command

    return run_command(inputs, services)
