"""All labels of a row at once, read from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import several_targets as targets
from ghmlops.core.metrics import metrics_of
from ghmlops.core.policy.targets import label_sets_policy
from ghmlops.core.policyfile.document import read_regression_values
from ghmlops.core.predictions.comparison import compare_overall

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.core.predictions.observation import Observation

    Read = Callable[..., Observation]

N = 500
POLICY = label_sets_policy(read_regression_values(targets.MULTILABEL))


def test_rows_count_if_every_score_is_usable_and_every_label_is_there(read: Read) -> None:
    """A score outside of 0 to 1 or NaN leaves the row out; a null label leaves it out of quality alone."""
    first, second = targets.labelled(N, 1), targets.labelled(N, 2)
    second["p_a"][0], second["p_b"][1] = 1.5, np.nan
    second["p_c"][1] = np.nan
    for columns in (first, second):
        columns["y_c"] = [None if i in (3, 4) else int(y) for i, y in enumerate(columns["y_c"])]
    result = read(first, second, POLICY)
    assert result.facts.pairs
    assert (result.facts.pairs.usable, result.facts.pairs.labelled) == (N - 2, N - 4)
    rows = {c.metric.id: c.n for c in compare_overall(result, POLICY)}
    assert rows == {"subset-accuracy": N - 4, "hamming-loss": N - 4, "label-set-churn": N - 2}
    assert [metric.id for metric in metrics_of(POLICY)] == list(rows)


def test_labels_on_different_sides_have_no_row_with_every_label(read: Read) -> None:
    """Churn needs no label."""
    first, second = targets.labelled(N, 1), targets.labelled(N, 2)
    del first["y_a"], second["y_b"]
    assert [c.metric.id for c in compare_overall(read(first, second, POLICY), POLICY)] == ["label-set-churn"]


def test_each_label_has_its_own_threshold(read: Read) -> None:
    """Decisions follow from the score of each label at its threshold."""
    policy = label_sets_policy(read_regression_values({**targets.MULTILABEL, "threshold": [0.2, 0.5, 0.8]}))
    first = targets.labelled(N, 1)
    values = {c.metric.id: c.baseline for c in compare_overall(read(first, targets.labelled(N, 2), policy), policy)}
    right = np.ones(N, bool)
    for name, threshold in zip(targets.LABELS, (0.2, 0.5, 0.8), strict=True):
        right &= (first[f"p_{name}"] >= threshold) == (first[f"y_{name}"] == 1)
    assert values["subset-accuracy"] == right.mean()
