"""Starts a service as an ephemeral preview, or finds it by its URL, waits until it is ready and outputs its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.preview.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.preview.command import run as run_command

    return run_command(inputs, services)
