"""Looks at the repository and writes a policy and workflows that run, never over an existing file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.init.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.init.command import run as run_command

    return run_command(inputs, services)
