"""Fixtures for tests that read two prediction artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import prediction_artifacts as artifacts
from ghmlops.core.predictions.observation import Observation
from ghmlops.measure.predictions.artifacts.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.policy.regression import Regression


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Observation]:
    """A function that writes both sides, and labels if there are any, and reads them with a policy."""

    def run(
        baseline: dict[str, Any],
        candidate: dict[str, Any],
        policy: Regression = artifacts.BINARY,
        labels: dict[str, Any] | None = None,
    ) -> Observation:
        sides = {"baseline": baseline, "candidate": candidate} | ({"labels": labels} if labels is not None else {})
        files = {
            role: Source.of(artifacts.write(tmp_path / f"{role}.parquet", c), f"{role}.parquet")
            for role, c in sides.items()
        }
        return artifacts.observe(files, policy)

    return run
