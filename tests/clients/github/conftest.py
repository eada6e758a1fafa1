"""A local GitHub API for each test, and clients for it."""

from __future__ import annotations

from github_api.fixtures import api, client, client_for, notes, sleeps

__all__ = ["api", "client", "client_for", "notes", "sleeps"]
