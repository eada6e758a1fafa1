"""Attributes by which pairs are grouped: columns of the artifacts, and the window of their time."""

from __future__ import annotations

WINDOW = ""
"""The attribute that holds the start of the window; no column of an artifact has an empty name."""
