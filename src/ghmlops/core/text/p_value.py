"""How a p-value is written in the reason of a finding."""

from __future__ import annotations

SMALLEST_P = 0.0001
"""Smaller p-values are written as `< 0.0001`: no reader decides otherwise by how small they are, and the evidence
keeps the value."""


def format_p(name: str, p: float) -> str:
    """Return a p-value with its name and two significant digits: `p = 0.032`, `Holm p < 0.0001`, `p = nan`."""
    return f"{name} < {SMALLEST_P}" if p < SMALLEST_P else f"{name} = {p:.2g}"
