"""Typed details of evidence: one tagged struct per command, for tables, settings and reproduction; never judged."""

from __future__ import annotations

from ghmlops.core.details.capacity import CapacityDetails
from ghmlops.core.details.harvest import HarvestDetails
from ghmlops.core.details.imported import ImportDetails
from ghmlops.core.details.latency import LatencyDetails
from ghmlops.core.details.merge_shards import MergeShardsDetails
from ghmlops.core.details.rebuild import RebuildDetails
from ghmlops.core.details.regression import RegressionDetails
from ghmlops.core.details.scale import ScaleDetails
from ghmlops.core.details.shadow import ShadowDetails
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.details.watch import WatchDetails

__all__ = [
    "CapacityDetails",
    "Details",
    "HarvestDetails",
    "ImportDetails",
    "LatencyDetails",
    "MergeShardsDetails",
    "RebuildDetails",
    "RegressionDetails",
    "ScaleDetails",
    "ShadowDetails",
    "SyntheticDetails",
    "WatchDetails",
]

Details = (
    LatencyDetails
    | MergeShardsDetails
    | CapacityDetails
    | ImportDetails
    | RegressionDetails
    | RebuildDetails
    | ScaleDetails
    | ShadowDetails
    | SyntheticDetails
    | WatchDetails
    | HarvestDetails
)
"""Type of `Evidence.details`; the field `command` of the JSON object names the struct."""
