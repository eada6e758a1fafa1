"""Sums of values that follow from counts of label and decisions."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from ghmlops.core.metrics.accuracy import is_correct
from ghmlops.core.paired.counted_sums import cells_from_decisions
from paired_rows import binary, cells, counts, random_decisions


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("grouped", [False, True])
def test_sums_from_counts_are_those_of_the_rows(weighted: bool, grouped: bool) -> None:
    """Every sum, with and without weights, and that of every cluster, is the sum over the rows with a label."""
    label, first, second = random_decisions(600)
    group = np.arange(600) // 20 if grouped else None
    weight = np.random.default_rng(1).lognormal(size=600) if weighted else None
    rows = replace(binary(label, first, second, group), weight=weight)
    counted = counts(rows)
    unlabelled = np.arange(600) < 100
    counted = msgspec.structs.replace(counted, label=np.where(unlabelled, -1, counted.label))
    rest = rows.select(np.flatnonzero(~unlabelled))
    correct = [(side.p == rest.label).astype(np.float64) for side in (rest.baseline, rest.candidate)]
    expected = cells(correct[0], correct[1], rest.group, rest.weight)
    result = cells_from_decisions(counted, is_correct, labelled=True)
    for name in ("n", "a", "d", "aa", "ad", "dd", "mass", "effective"):
        assert getattr(result, name) == pytest.approx(getattr(expected, name), rel=1e-12), name
    if result.squares is not None and expected.squares is not None:
        for name in ("n", "a", "d", "aa", "ad", "dd"):
            assert getattr(result.squares, name) == pytest.approx(getattr(expected.squares, name), rel=1e-12), name
    assert (result.squares is None, result.groups is None) == (not weighted, not grouped)
    if result.groups is not None and expected.groups is not None:
        for name in ("n", "a", "d", "dd"):
            assert getattr(result.groups, name) == pytest.approx(getattr(expected.groups, name), rel=1e-12), name
