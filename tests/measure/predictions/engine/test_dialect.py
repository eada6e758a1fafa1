"""Quoting of identifiers and text in SQL."""

from __future__ import annotations

from ghmlops.measure.predictions.engine.dialect import identifier, literal


def test_identifiers_and_literals_are_quoted() -> None:
    """Quotes within identifiers and texts are doubled."""
    assert [identifier('a"b'), literal("a'b")] == ['"a""b"', "'a''b'"]
