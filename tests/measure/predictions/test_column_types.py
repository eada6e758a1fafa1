"""Kinds of DuckDB types."""

from __future__ import annotations

import pytest

from ghmlops.measure.predictions.column_types import type_kind


@pytest.mark.parametrize(
    ("duckdb_type", "kind"),
    [
        ("UTINYINT", "integer"),
        ("HUGEINT", "integer"),
        ("FLOAT", "float"),
        ("DECIMAL(18,3)", "decimal"),
        ("VARCHAR", "text"),
        ("ENUM('a', 'b')", "text"),
        ("TIMESTAMP_NS", "time"),
        ("TIMESTAMP WITH TIME ZONE", "time"),
        ("DATE", "date"),
        ("DOUBLE[]", "vector"),
        ("FLOAT[8]", "vector"),
        ("DECIMAL(18,3)[]", "vector"),
        ("VARCHAR[]", "nested"),
        ("DOUBLE[][]", "nested"),
        ("STRUCT(a INTEGER)", "nested"),
        ("STRUCT(a INTEGER)[]", "nested"),
        ("INTERVAL", "nested"),
    ],
)
def test_kind_of_a_type(duckdb_type: str, kind: str) -> None:
    """Widths, precisions and zones do not matter; lists of numbers are vectors; all other types are nested."""
    assert type_kind(duckdb_type) == kind
