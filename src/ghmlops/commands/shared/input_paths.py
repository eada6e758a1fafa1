"""Paths of the inputs that a command reads: of the baseline's commit if it tracks them, else as the user names them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services


def input_path(services: Services, name: str) -> Path:
    """Return the path of a file by which the change is judged, as the policy or an input names it."""
    return services.trusted.path(services.cwd, name) if services.trusted else services.cwd / name


def policy_path(services: Services, name: str) -> Path:
    """Return the path of the policy file that judges."""
    trusted = services.trusted
    base = trusted.policy(services.cwd, name) if trusted and trusted.judges else None
    return base or services.cwd / name
