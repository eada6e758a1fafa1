"""The policies of a comparison with several targets: one per target, and one of all labels of a row at once."""

from __future__ import annotations

from msgspec.structs import replace

from ghmlops.core.policy.regression import Changed, Regression, Target

_MARK = "target="
"""Start of the name of a target in the field `dataset`; no name of a data set contains `=`."""


def target_policy(policy: Regression, target: Target) -> Regression:
    """Return the policy of one target, which has a single label."""
    return replace(
        policy,
        task="binary" if policy.task in ("multilabel", "label-sets") else policy.task,
        label=target.label,
        score=target.score,
        prediction=target.prediction,
        threshold=target.threshold,
        targets=(),
    )


def single_policies(policy: Regression) -> tuple[Regression, ...]:
    """Return the policy of each target; the policy itself if it has a single one."""
    return tuple(target_policy(policy, target) for target in policy.targets) or (policy,)


def label_sets_policy(policy: Regression) -> Regression:
    """Return the policy that compares all labels of a row at once, over all rows only."""
    return replace(
        policy, task="label-sets", metrics=(), slices=(), features=(), window="", search=0, changed=Changed()
    )


def scope_name(dataset: str, target: str) -> str:
    """Return the name in the field `dataset` of a finding about one target: `holdout/target=toxic`."""
    return f"{dataset}/{_MARK}{target}" if dataset else f"{_MARK}{target}"


def split_scope(name: str) -> tuple[str, str]:
    """Return data set and target of the field `dataset` of a finding; the target is empty if there is none."""
    dataset, mark, target = name.partition(_MARK)
    return (dataset.removesuffix("/"), target) if mark else (name, "")


def scope_words(name: str) -> str:
    """Return the field `dataset` of a finding in words: `data set holdout, target toxic`; empty if it is empty."""
    dataset, target = split_scope(name)
    parts = [f"data set {dataset}"] if dataset else []
    return ", ".join([*parts, *([f"target {target}"] if target else [])])
