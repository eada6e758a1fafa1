"""Saturated runs: when a run is one, its finding, and what it withdraws."""
