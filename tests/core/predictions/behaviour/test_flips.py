"""Flips between classes, and the symmetry of churn."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from ghmlops.core.model import Outcome
from ghmlops.core.paired.aggregates import Counts
from ghmlops.core.predictions.behaviour.flips import flip_table, judge_symmetry, split_churn

NO, YES = "no", "yes"


def counts(
    entries: dict[tuple[int, int, int], float], classes: int = 2, groups: dict[tuple[int, int, int], int] | None = None
) -> Counts:
    """Return one overall cell from (label, baseline, candidate) to rows; `groups` splits an entry into clusters."""
    rows: list[tuple[int, int, int, float]] = []
    group: list[int] = []
    for key, n in entries.items():
        parts = (groups or {}).get(key, 1)
        rows += [(*key, n / parts)] * parts
        group += range(len(group), len(group) + parts)
    label, baseline, candidate = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3).T
    return Counts(
        cells=1,
        classes=classes,
        cell=np.zeros(len(rows), dtype=np.int64),
        label=label,
        baseline=baseline,
        candidate=candidate,
        n=np.array([row[3] for row in rows], dtype=np.float64),
        group=np.array(group, dtype=np.int64) if groups else None,
    )


ENTRIES = {(0, 0, 0): 500.0, (0, 0, 1): 20.0, (1, 0, 1): 12.0, (1, 1, 0): 3.0, (1, 1, 1): 400.0, (-1, 1, 0): 5.0}


def test_churn_is_split_by_its_effect() -> None:
    """Every changed row has one kind."""
    churn = split_churn(counts(ENTRIES | {(2, 0, 1): 4.0}, 3))
    assert (churn.rows, churn.changed) == (944, 44)
    assert (churn.negative, churn.positive, churn.wrong, churn.unlabelled) == (23, 12, 4, 5)


def test_the_flip_matrix_names_the_classes() -> None:
    """In the order of the classes, rows without a label last, clusters summed."""
    table = flip_table(counts(ENTRIES, groups={(0, 0, 1): 4}), [NO, YES], "eu")
    assert [msgspec.structs.astuple(row) for row in table] == [
        ("eu", NO, NO, NO, 500),
        ("eu", NO, NO, YES, 20),
        ("eu", YES, NO, YES, 12),
        ("eu", YES, YES, NO, 3),
        ("eu", YES, YES, YES, 400),
        ("eu", "", YES, NO, 5),
    ]


def test_a_large_flip_matrix_is_truncated_to_the_changes() -> None:
    """Of three hundred combinations two hundred are listed, no unchanged one before a changed one."""
    entries = {(i, i, i): 1000.0 for i in range(100)} | {(i, i, (i + j) % 100): 1.0 for i in range(100) for j in (1, 2)}
    table = flip_table(counts(entries, 100), [str(i) for i in range(100)])
    assert len(table) == 200
    assert all(row.baseline != row.candidate for row in table)


def test_asymmetric_churn_warns_with_the_class() -> None:
    """Twenty of twenty-five changes go one way and shift the class by more than a point."""
    finding, row = judge_symmetry(counts({(0, 0, 0): 500, (0, 0, 1): 20, (1, 1, 0): 5, (1, 1, 1): 475}), [NO, YES])
    p = stats.binom.sf(19, 25, 0.5) * 2 - stats.binom.pmf(20, 25, 0.5)
    assert (finding.id, finding.outcome) == ("churn-asymmetric", Outcome.WARN)
    assert row.p == pytest.approx(p)
    assert all(
        text in finding.reason for text in ("25 of 1,000 (2.5 %)", "1.50 points", "more than the 1 point allowed")
    )
    assert (row.shifted_class, row.shift) == (YES, 0.015)


@pytest.mark.parametrize(
    "entries",
    [
        {(0, 0, 0): 500, (0, 0, 1): 14, (1, 1, 0): 12, (1, 1, 1): 475},
        {(0, 0, 0): 50_000, (0, 0, 1): 200, (1, 1, 0): 50, (1, 1, 1): 47_500},
        {(0, 0, 0): 500, (1, 1, 1): 500},
    ],
)
def test_symmetric_small_or_no_churn_passes(entries: dict[tuple[int, int, int], float]) -> None:
    """Symmetric, asymmetric by less than a point, or none at all."""
    finding, _ = judge_symmetry(counts(entries), [NO, YES])
    assert finding.outcome is Outcome.PASS


def test_few_rows_are_inconclusive() -> None:
    """No rows, and twenty rows."""
    for entries in ({}, {(0, 0, 1): 20.0}):
        finding, _ = judge_symmetry(counts(entries), [NO, YES])
        assert finding.outcome is Outcome.INCONCLUSIVE


def test_one_cluster_that_flips_is_no_evidence() -> None:
    """Forty rows of one user go one way with probability 1/2 each way; forty rows of forty users do not."""
    entries = {(0, 0, 0): 960.0, (0, 0, 1): 40.0}
    together, alone = ({(0, 0, 1): k, (0, 0, 0): 100} for k in (1, 40))
    first, _ = judge_symmetry(counts(entries, groups=together), [NO, YES])
    second, _ = judge_symmetry(counts(entries, groups=alone), [NO, YES])
    assert (first.outcome, second.outcome) == (Outcome.PASS, Outcome.WARN)


def test_several_classes_are_tested_by_stuart_maxwell() -> None:
    """Decisions move from class 2 to class 0; with clusters the result is the same."""
    entries = {(i, i, i): 300.0 for i in range(3)} | {(2, 2, 0): 40.0, (0, 0, 1): 8.0, (1, 1, 0): 7.0}
    names = ["a", "b", "c"]
    finding, row = judge_symmetry(counts(entries, 3), names)
    assert (finding.outcome, finding.method, row.shifted_class) == (Outcome.WARN, "Stuart-Maxwell", "c")
    assert "class c lost 4.19 points" in finding.reason
    assert row.shift == pytest.approx(-0.0419, abs=1e-4)
    clustered, _ = judge_symmetry(counts(entries, 3, {(2, 2, 0): 40, (0, 0, 1): 8, (1, 1, 0): 7}), names)
    assert (clustered.outcome, clustered.method) == (Outcome.WARN, "Stuart-Maxwell over clusters")
