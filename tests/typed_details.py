"""Typed details of an evidence file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ghmlops.core.details import CapacityDetails, ImportDetails, LatencyDetails, MergeShardsDetails, SyntheticDetails

if TYPE_CHECKING:
    from ghmlops.core.evidence.document import Evidence

T = TypeVar("T", LatencyDetails, MergeShardsDetails, CapacityDetails, ImportDetails, SyntheticDetails)


def details_of(evidence: Evidence, kind: type[T]) -> T:
    """Return the details, which must be of this kind."""
    assert isinstance(evidence.details, kind)
    return evidence.details
