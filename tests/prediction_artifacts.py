"""Parquet prediction artifacts for tests: held-out rows of a click scorer, and of a regression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ghmlops.core.policy.regression import Regression
from ghmlops.measure.predictions.engine.engines import Engine, open_engine
from ghmlops.measure.predictions.reading import read_predictions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.predictions.observation import Observation
    from ghmlops.measure.predictions.artifacts.source import Source

START = datetime(2025, 3, 1, tzinfo=UTC)
BINARY = Regression(task="binary", key=("id",), label="y", score="s")
MEMORY = 512 * 1024 * 1024


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    """Write one artifact and return its path."""
    pq.write_table(pa.table(columns), path, **options)
    return path


def rows(n: int, seed: int, *, noise: float = 0.1, shift: int = 0) -> dict[str, Any]:
    """Return `n` rows of a scorer: the same rows with different scores per `seed`; `shift` is added to the ids."""
    shared_rng, own_rng = np.random.default_rng(7), np.random.default_rng(seed)
    signal = shared_rng.normal(size=n)
    label = shared_rng.random(n) < 1 / (1 + np.exp(-1.5 * signal))
    device = shared_rng.choice(["phone", "desktop", "tablet"], n, p=[0.5, 0.4, 0.1])
    country = shared_rng.choice(["FR", "DE"], n)
    days = shared_rng.integers(0, 14, n)
    return {
        "id": np.arange(n) + shift,
        "y": label.astype(np.int64),
        "s": 1 / (1 + np.exp(-1.5 * (signal + noise * own_rng.normal(size=n)))),
        "device": list(device),
        "country": list(country),
        "t": pa.array([START + timedelta(days=int(d)) for d in days], pa.timestamp("us", tz="UTC")),
        "user": (np.arange(n) // 20).astype(np.int64),
    }


def values(n: int, seed: int) -> dict[str, Any]:
    """Return `n` rows of a regression; every `seed` gives the same labels with different predictions."""
    shared_rng, own_rng = np.random.default_rng(11), np.random.default_rng(seed)
    truth = shared_rng.normal(loc=50, scale=10, size=n)
    shared = shared_rng.normal(scale=3, size=n)
    return {"id": np.arange(n), "y": truth, "p": truth + shared + 0.3 * own_rng.normal(size=n)}


def observe(sources: Mapping[str, Source], policy: Regression, memory: int = MEMORY) -> Observation:
    """Read artifacts in the same way as the command."""
    with open_engine(Engine(memory=memory), sources) as session:
        return read_predictions(session, policy, lambda _: None)
