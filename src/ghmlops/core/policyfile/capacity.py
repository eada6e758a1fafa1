"""Reads the section `capacity`."""

from __future__ import annotations

from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policyfile.objectives import read_objectives
from ghmlops.core.policyfile.scalars import PER_SECOND, RATIO, SECONDS, seconds_or_zero
from ghmlops.core.policyfile.yaml_reader import Located, listing, record


def read_capacity(at: Located) -> Capacity:
    """Read the section `capacity`.

    Raises:
        PolicyError: A value is malformed or out of its range.
    """
    readers = {
        "slo": read_objectives,
        "start": PER_SECOND,
        "most": PER_SECOND,
        "probe": SECONDS,
        "warmup": seconds_or_zero,
        "resolution": RATIO,
        "budget": SECONDS,
        "demand": PER_SECOND,
        "headroom": RATIO,
        "predict": listing(PER_SECOND),
    }
    capacity: Capacity = record(Capacity, readers)(at)
    if not capacity.start < capacity.most:
        raise at.error("`most` must be larger than `start`")
    if not 0.005 <= capacity.resolution <= 0.5:
        raise at.error("`resolution` must lie between 0.5% and 50%")
    if capacity.headroom > 0.9:
        raise at.error("`headroom` must be at most 90%")
    return capacity
