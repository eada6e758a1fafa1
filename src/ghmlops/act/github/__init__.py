"""Writes to the GitHub API: comments, pull requests, deployments and statuses."""

from __future__ import annotations

from ghmlops.clients.github.client import Client, connect

__all__ = ["Client", "connect"]
