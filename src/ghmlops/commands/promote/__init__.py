"""`promote`: walks the traffic ladder, judges each rung, and returns the traffic on failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.promote.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command; see `command.run`."""
    from ghmlops.commands.promote import command

    return command.run(inputs, services)
