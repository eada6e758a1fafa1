"""Which data set and which target a finding, a row or a chart is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.policy.targets import scope_words, split_scope
from ghmlops.report.text.blocks import Code, Words

if TYPE_CHECKING:
    from ghmlops.report.text.blocks import Cell

MAX_NAME = 60
"""Characters of a name in a sentence."""


def scope_cell(name: str, prefix: str = "") -> Cell:
    """Return the field `dataset` in words, `data set holdout, target toxic`, after a prefix; empty if it is empty."""
    dataset, target = split_scope(name)
    named = [(kind, value) for kind, value in (("data set ", dataset), ("target ", target)) if value]
    pieces = [
        piece
        for index, (kind, value) in enumerate(named)
        for piece in (Words(f"{', ' if index else prefix}{kind}"), Code(value, MAX_NAME))
    ]
    return tuple(pieces)


def scope_text(name: str, prefix: str = "") -> str:
    """Return the field `dataset` in words as plain text after a prefix; empty if it is empty."""
    return f"{prefix}{scope_words(name[: 2 * MAX_NAME])}" if name else ""
