"""Writes with git: temporary work trees of other commits, and reverts."""

from __future__ import annotations

from ghmlops.clients.git.client import Git, open_repository

__all__ = ["Git", "open_repository"]
