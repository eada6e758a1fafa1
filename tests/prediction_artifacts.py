"""Parquet prediction artifacts for tests: held-out rows of a click scorer, and of a regression."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from ghmlops.core.policy.regression import Regression
from ghmlops.core.predictions.contract.checks import judge_contract
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.engine.engines import Engine, open_engine
from ghmlops.measure.predictions.reading import deferred_imports, read_predictions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ghmlops.core.model import Outcome
    from ghmlops.core.predictions.observation import Observation
    from ghmlops.measure.predictions.artifacts.source import Source

START = datetime(2025, 3, 1, tzinfo=UTC)
BINARY = Regression(task="binary", key=("id",), label="y", score="s")
CLASSES = ("ant", "bee", "cat")
MULTICLASS = Regression(task="multiclass", key=("id",), label="y", score="v", classes=CLASSES, minimum_rows=5)
RANKING = Regression(task="ranking", key=("id",), label="y", score="s", query="q", at=5, minimum_rows=5)
EMBEDDING = Regression(task="embedding", key=("id",), score="v")
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


def with_values(column: str, values: dict[int, Any], seed: int = 2, n: int = 400) -> dict[str, Any]:
    """Return rows of a scorer with some values of a column replaced, by index."""
    content = rows(n, seed)
    column_values = list(content[column])
    for index, value in values.items():
        column_values[index] = value
    return content | {column: column_values}


def classified(seed: int, n: int = 300) -> dict[str, Any]:
    """Return rows of a classifier with three classes; every seed gives the same labels."""
    shared_rng, own_rng = np.random.default_rng(1), np.random.default_rng(seed)
    truth = shared_rng.integers(0, 3, n)
    raw = shared_rng.normal(size=(n, 3)) + 0.3 * own_rng.normal(size=(n, 3)) + 1.5 * np.eye(3)[truth]
    vectors = np.exp(raw) / np.exp(raw).sum(axis=1, keepdims=True)
    return {"id": np.arange(n), "y": [CLASSES[t] for t in truth], "v": list(vectors), "site": list(truth % 2)}


def ranked(seed: int, queries: int = 40, each: int = 12) -> dict[str, Any]:
    """Return documents of queries with graded relevance and without ties; the first query has no relevant document."""
    shared_rng, own_rng = np.random.default_rng(2), np.random.default_rng(seed)
    n = queries * each
    relevance = shared_rng.choice([0, 0, 1, 2, 3], n)
    query = np.arange(n) // each
    relevance[:each] = 0
    return {
        "id": np.arange(n),
        "q": [f"q{i}" for i in query],
        "y": relevance,
        "s": relevance + 1.5 * own_rng.normal(size=n),
        "site": (query % 2).tolist(),
    }


def observe(sources: Mapping[str, Source], policy: Regression, memory: int = MEMORY) -> Observation:
    """Read artifacts in the same way as the command."""
    with deferred_imports(), open_engine(Engine(memory=memory), sources) as session:
        return read_predictions(session, policy, lambda _: None)


def contract_outcomes(observation: Observation, policy: Regression = BINARY) -> dict[str, Outcome]:
    """Return the outcomes of the contract's findings by id, as the command judges them."""
    findings = judge_observations([observation], policy).findings
    return {f.id: f.outcome for f in findings if f.id.startswith("contract-")}


def outcomes_of_facts(observation: Observation) -> dict[str, Outcome]:
    """Return the outcomes of the contract's findings by id, from the facts alone."""
    return {f.id: f.outcome for f in judge_contract(observation.facts)}
