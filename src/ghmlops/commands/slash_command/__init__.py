"""Carries out a command in a comment on a pull request, for a person whom GitHub's API confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.slash_command.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.slash_command.command import run as run_command

    return run_command(inputs, services)
