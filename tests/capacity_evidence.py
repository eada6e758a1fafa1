"""Evidence of a measured capacity, for tests of promotions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.evidence import encode
from ghmlops.core.details.capacity import CapacityDetails, CapacityGenerator, CapacityResult, CapacitySettings
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Outcome
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.objectives import Objectives

if TYPE_CHECKING:
    from pathlib import Path


def write_capacity(folder: Path, low: float | None) -> None:
    """Write the evidence of a capacity."""
    (folder / "capacity.json").write_bytes(encode(capacity_evidence(low)))


def capacity_evidence(low: float | None, high: float | None = None) -> Evidence:
    """Return the evidence of a capacity."""
    result = CapacityResult(
        low=low,
        high=high,
        width=None,
        limited_by="nothing",
        replicas=None,
        demand=None,
        headroom=0.0,
        budget_used_s=1.0,
        requests_sent=1,
    )
    settings = CapacitySettings(
        url="http://127.0.0.1",
        requests="",
        objectives=Objectives(),
        samples_for_a_pass=1,
        connections=1,
        policy=Capacity(),
    )
    details = CapacityDetails(
        result=result,
        curve=[],
        probes=[],
        law=None,
        predicted=[],
        settings=settings,
        generator=CapacityGenerator(crowded=False),
    )
    return Evidence(
        command="capacity",
        outcome=Outcome.PASS,
        reason_code="pass",
        reason="",
        provenance=Provenance(
            repository="acme/shop", head_sha="a" * 40, run_id="1", started="2026-11-28T20:00:00+00:00"
        ),
        findings=[],
        details=details,
    )
