"""The keys of several targets: a list of labels with one column per label."""

from __future__ import annotations

from typing import Any

import pytest

from ghmlops.core.errors import PolicyError
from ghmlops.core.metrics import metric_ids
from ghmlops.core.policy.regression import Target
from ghmlops.core.policyfile.document import read_regression_values
from ghmlops.core.policyfile.targets import MAX_TARGETS

MULTILABEL = {"task": "multilabel", "key": ["id"], "label": ["a", "b"], "score": ["p", "q"]}
REGRESSION = {"task": "regression", "key": ["id"], "label": ["a", "b"], "prediction": ["p", "q"]}


def test_each_label_has_its_columns_and_its_threshold() -> None:
    """In the order of the lists; one threshold serves all labels."""
    policy = read_regression_values({**MULTILABEL, "threshold": [0.3, "60%"], "margins": {"macro-f1": 0.01}})
    assert policy.targets == (
        Target(label="a", score="p", threshold=0.3),
        Target(label="b", score="q", threshold=0.6),
    )
    assert {"auc", "subset-accuracy", "hamming-loss", "macro-f1", "macro-auc"} <= set(metric_ids(policy))
    one = read_regression_values({**MULTILABEL, "threshold": 0.2})
    assert [target.threshold for target in one.targets] == [0.2, 0.2]
    outputs = read_regression_values({**REGRESSION, "margins": {"mean-r2": 0.01}})
    assert [target.prediction for target in outputs.targets] == ["p", "q"]
    assert {"mae", "mean-rmse", "mean-mae", "mean-r2"} <= set(metric_ids(outputs))
    decided = read_regression_values({**MULTILABEL, "score": [], "prediction": ["p", "q"]})
    assert "macro-auc" not in metric_ids(decided)
    assert "macro-f1" in metric_ids(decided)


def test_one_label_is_a_single_target() -> None:
    """As text or as a list of one, for every task that has one."""
    for label in ("a", ["a"]):
        policy = read_regression_values({"task": "binary", "key": ["id"], "label": label, "score": "p"})
        assert (policy.label, policy.targets, policy.threshold) == ("a", (), 0.5)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"task": "binary"}, "label"),
        ({"label": "a"}, "label"),
        ({"label": ["a", "a"]}, "label"),
        ({"label": [f"l{i}" for i in range(MAX_TARGETS + 1)]}, "label"),
        ({"score": ["p"]}, "score"),
        ({"score": ["p", "p"]}, "score"),
        ({"score": []}, "label"),
        ({"threshold": [0.1, 0.2, 0.3]}, "threshold"),
        ({"baseline": {"score": "x"}}, "baseline"),
        ({"quantiles": [0.1, 0.9]}, "quantiles"),
        ({"margins": {"macro-f2": 0.1}}, "margins.macro-f2"),
        ({"private": ["q"]}, "private"),
        ({"classes": ["no"]}, "names two"),
    ],
)
def test_lists_that_do_not_fit_are_errors_at_their_key(values: dict[str, Any], key: str) -> None:
    """The message names the key."""
    with pytest.raises(PolicyError, match=key):
        read_regression_values({**MULTILABEL, **values})


@pytest.mark.parametrize("values", [{"prediction": []}, {"score": ["s", "t"]}, {"prediction": ["p"]}])
def test_a_regression_needs_one_prediction_per_label(values: dict[str, Any]) -> None:
    """And no score."""
    with pytest.raises(PolicyError, match=next(iter(values))):
        read_regression_values({**REGRESSION, **values})


def test_a_list_of_thresholds_needs_a_list_of_labels() -> None:
    """A single binary label has one threshold."""
    with pytest.raises(PolicyError, match="threshold"):
        read_regression_values({"task": "binary", "key": ["id"], "label": "a", "score": "p", "threshold": [0.1, 0.2]})
