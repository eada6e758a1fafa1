"""Agreement of the two sides' classes beyond chance."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import Counts
from ghmlops.core.predictions.behaviour.class_agreement import judge_agreement


def counts(baseline: np.ndarray, candidate: np.ndarray, group: np.ndarray | None = None) -> Counts:
    """Rows of three classes, none of them with a label."""
    n = len(baseline)
    return Counts(
        cells=1,
        classes=3,
        cell=np.zeros(n, np.int64),
        label=np.full(n, -1),
        baseline=baseline,
        candidate=candidate,
        n=np.ones(n),
        group=group,
    )


def test_classes_at_random_warn_and_similar_ones_do_not() -> None:
    """Kappa is 0 for permuted classes, as in its definition, and 0.85 if a tenth of the rows moves to another class."""
    rng = np.random.default_rng(1)
    first = rng.integers(0, 3, 3000)
    finding = judge_agreement(counts(first, rng.permutation(first)), "eu")
    assert finding
    assert (finding.id, finding.outcome, finding.dataset, finding.n) == (
        "decisions-reordered",
        Outcome.WARN,
        "eu",
        3000,
    )
    assert finding.candidate == pytest.approx(0.0, abs=0.05)
    similar = np.where(rng.random(3000) < 0.1, (first + 1) % 3, first)
    assert judge_agreement(counts(first, similar)) is None


def test_too_few_rows_groups_or_classes_are_not_judged() -> None:
    """Twenty rows, twenty groups, and a single class on both sides have no agreement beyond chance to judge."""
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 3, (2, 1000))
    assert judge_agreement(counts(first[:20], second[:20])) is None
    assert judge_agreement(counts(first, second, np.arange(1000) // 50)) is None
    assert judge_agreement(counts(np.zeros(1000, np.int64), np.zeros(1000, np.int64))) is None
