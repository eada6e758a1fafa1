"""Runs that confirm a failure on a fresh deployment, with the slots swapped."""

from __future__ import annotations

CONFIRM = "confirm"
"""Leg of the run that repeats a failed measurement on a fresh deployment with the slots swapped."""
