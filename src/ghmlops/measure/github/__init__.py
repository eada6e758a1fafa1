"""Reads from the GitHub API: artifacts of workflow runs and pull requests."""

from __future__ import annotations

from ghmlops.clients.github.client import Client, connect

__all__ = ["Client", "connect"]
