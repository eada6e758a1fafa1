"""`ghmlops capacity` and a service that does not come back after an overload: a failure, and no capacity."""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import scoring_service
from ghmlops.commands import capacity
from ghmlops.commands.capacity import measure as capacity_load
from ghmlops.commands.capacity.job import prepare
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.load.load_source import reach
from ghmlops.core.context import Context
from ghmlops.core.model import Outcome
from simulated_queue import recording_of

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """
version: 1
service: scorer
latency: {request: {method: GET, path: /predict, timeout: 2s}, slo: {p90: 1s}}
capacity: {start: 100/s, most: 800/s, probe: 1s, warmup: 0.2s, budget: 10m, demand: 500/s}
"""


def services(place: Path) -> Services:
    (place / "policy.yml").write_text(POLICY, encoding="utf-8")
    return Services(
        context=Context(head_sha="0123456789abcdef0123456789abcdef01234567", repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


def test_a_service_that_dies_in_the_search_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It met the objectives at first, and is gone from the second rate on: that is reported, and nothing passes.

    The first probe is simulated, so that it passes on any machine; all others are real.
    """
    real = capacity_load._measure
    monkeypatch.setattr(capacity_load, "RECOVERY_SECONDS", 2.0)
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(scoring_service.started())

        def measure(job: Any, at: Services, target: Any, now: Any) -> Any:
            if now[0].rate > 100.0:
                stack.close()
                return real(job, at, target, now)
            times = np.linspace(0.0, 10.0, 1000)
            durations = np.random.default_rng(1).exponential(0.005, len(times))
            return recording_of(times, times + durations), {"connections": [1], "waited_for_a_connection": [0]}

        monkeypatch.setattr(capacity_load, "_measure", measure)
        result = capacity.run(capacity.Inputs(policy="policy.yml", url=url), services(tmp_path))
    assert (result.outcome, result.reason_code) == (Outcome.FAIL, "service-died"), result.text
    assert "200/s" in result.reason
    assert "100/s" in result.reason
    outputs = {name: result.outputs[name] for name in ("capacity-low", "capacity-high", "replicas", "limited-by")}
    assert outputs == {"capacity-low": "100", "capacity-high": "", "replicas": "", "limited-by": "errors"}


def test_only_good_answers_end_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast refusals do not show recovery; a service that answers, or never passed, is probed on."""
    monkeypatch.setattr(capacity_load, "RECOVERY_SECONDS", 2.0)
    at = services(tmp_path)
    with scoring_service.started() as url:
        job = prepare(capacity.Inputs(policy="policy.yml", url=url), at)
        target = reach(job.target, "url", job.hosts)
        assert capacity_load._recover(job, target, 5.0)
        assert capacity_load._recover(job, target, -1.0)
    assert not capacity_load._recover(job, target, 5.0)
    assert capacity_load._recover(job, target, 0.0)
