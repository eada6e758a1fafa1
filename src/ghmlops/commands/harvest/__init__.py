"""Takes from live traffic what the policy names: a sample of payloads with weights, and the profile of the demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.harvest.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.harvest.command import run as run_command

    return run_command(inputs, services)
