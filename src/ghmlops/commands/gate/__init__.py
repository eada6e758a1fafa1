"""Merges evidence into a verdict for one exact commit, and records the deployment with its statuses on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.gate.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    if inputs.finish:
        from ghmlops.commands.gate.finish import finish

        return finish(inputs, services)
    from ghmlops.commands.gate.command import run as run_command

    return run_command(inputs, services)
