"""The table of services with replicas has every kind of the policy."""

from __future__ import annotations

from ghmlops.act.targets.scaling import SERVICES
from ghmlops.core.policy.production.scale import ScaledTarget
from ghmlops.core.policyfile.production.scaled_target import READERS


def test_each_kind_has_a_class_and_a_reader() -> None:
    """No kind can be configured and not opened."""
    assert set(SERVICES) == set(ScaledTarget.__subclasses__())
    assert len(READERS) == len(SERVICES)
