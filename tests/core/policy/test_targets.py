"""Policies of single targets, and names of targets in evidence."""

from __future__ import annotations

import pytest

from ghmlops.core.policy.regression import Regression, Target
from ghmlops.core.policy.targets import label_sets_policy, scope_name, scope_words, split_scope, target_policy

POLICY = Regression(
    task="multilabel",
    key=("id",),
    label="a",
    score="p",
    targets=(Target(label="a", score="p", threshold=0.2), Target(label="b", score="q", prediction="d")),
    slices=(("device",),),
    window="1d",
)


def test_a_target_is_a_binary_task_with_its_own_columns() -> None:
    """Everything else of the policy stays, as do slices; all labels at once are compared over all rows only."""
    second = target_policy(POLICY, POLICY.targets[1])
    assert (second.task, second.label, second.score, second.prediction) == ("binary", "b", "q", "d")
    assert (second.targets, second.slices, second.threshold) == ((), (("device",),), 0.5)
    together = label_sets_policy(POLICY)
    assert (together.task, together.slices, together.window) == ("label-sets", (), "")
    assert target_policy(together, POLICY.targets[0]).task == "binary"


@pytest.mark.parametrize(
    ("dataset", "target", "words"),
    [
        ("", "toxic", "target toxic"),
        ("holdout", "toxic", "data set holdout, target toxic"),
        ("holdout", "a/target=b", "data set holdout, target a/target=b"),
        ("holdout", "", "data set holdout"),
    ],
)
def test_names_can_be_taken_apart(dataset: str, target: str, words: str) -> None:
    """No name of a data set contains the mark, so a label with any characters is recovered."""
    name = scope_name(dataset, target) if target else dataset
    assert split_scope(name) == (dataset, target)
    assert scope_words(name) == words
