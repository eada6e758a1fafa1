"""Prediction artifacts with several targets for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

LABELS = ("a", "b", "c")
MULTILABEL = {
    "task": "multilabel",
    "key": ["id"],
    "label": [f"y_{name}" for name in LABELS],
    "score": [f"p_{name}" for name in LABELS],
}
OUTPUTS = {
    "task": "regression",
    "key": ["id"],
    "label": ["y_a", "y_b"],
    "prediction": ["p_a", "p_b"],
}


def labelled(n: int, seed: int, *, inverted: Collection[str] = (), noise: float = 0.1) -> dict[str, Any]:
    """Return rows with three dependent labels and a probability of each; every seed gives the same labels.

    Args:
        n: number of rows.
        seed: seed of the differences of the scores.
        inverted: labels whose scores are those of the opposite.
        noise: size of the differences.
    """
    shared, own = np.random.default_rng(4), np.random.default_rng(seed)
    common = 0.5 * shared.normal(size=n)
    columns: dict[str, Any] = {"id": np.arange(n), "device": shared.choice(["phone", "desktop"], n)}
    for name in LABELS:
        signal = common + shared.normal(size=n)
        columns[f"y_{name}"] = (shared.random(n) < 1 / (1 + np.exp(1 - 1.5 * signal))).astype(np.int64)
        score = 1 / (1 + np.exp(1 - 1.5 * (signal + noise * own.normal(size=n))))
        columns[f"p_{name}"] = 1 - score if name in inverted else score
    return columns


def outputs(n: int, seed: int, *, shift: float = 0.0) -> dict[str, Any]:
    """Return rows of a regression with two outputs of different scales; `shift` is added to the second prediction."""
    shared, own = np.random.default_rng(5), np.random.default_rng(seed)
    columns: dict[str, Any] = {"id": np.arange(n)}
    for name, scale in (("a", 1.0), ("b", 50.0)):
        truth = scale * shared.normal(size=n)
        columns[f"y_{name}"] = truth
        columns[f"p_{name}"] = truth + scale * (0.3 * shared.normal(size=n) + 0.01 * own.normal(size=n))
    columns["p_b"] = columns["p_b"] + shift
    return columns
