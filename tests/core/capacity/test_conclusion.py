"""Conclusion of a search: replicas for a demand."""

from __future__ import annotations

import pytest

from ghmlops.core.capacity.conclusion import required_replicas


@pytest.mark.parametrize(
    ("demand", "headroom", "expected"), [(500.0, 0.3, 8), (70.0, 0.3, 1), (70.1, 0.3, 2), (0.0, 0.3, None)]
)
def test_required_replicas(demand: float, headroom: float, expected: int | None) -> None:
    """The replicas are demand / (capacity x (1 - headroom)), rounded up; `None` without a demand."""
    assert expected == required_replicas(100.0, demand, headroom)
