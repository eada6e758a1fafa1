"""Pull-request comment, job summary and pages, from evidence files alone."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from ghmlops.commands.report.inputs import OUTPUTS, Inputs

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Result, Services

__all__ = ["OUTPUTS", "Inputs", "run"]


def run(inputs: Inputs, services: Services) -> Result:
    """Run the command. Its modules are imported here, so that reading its inputs stays fast."""
    from ghmlops.commands.report.command import run as run_command

    # The objects of a report are trees, which end with their last reference. The search for cycles takes a sixth of
    # the time, and finds none.
    collects = gc.isenabled()
    gc.disable()
    try:
        return run_command(inputs, services)
    finally:
        if collects:
            gc.enable()
