"""Decides whether a revert is allowed, and writes the texts of its commit and pull request."""
