"""Several targets: a list in `label`, and one column per label in `score`, `prediction` or both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ghmlops.core.policy.regression import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.policyfile.yaml_reader import Located

MAX_TARGETS = 60
"""Targets of a comparison: all labels of a row are packed into one integer of 64 bits."""
DEFAULT_THRESHOLD = 0.5
_TASKS = ("multilabel", "regression")
_ROLES = ("label", "score", "prediction")


def read_targets(values: dict[str, Any], keys: dict[str, Located]) -> dict[str, Any]:
    """Return the fields `label`, `threshold` and, with several targets, `targets`, `score` and `prediction`.

    Args:
        values: the values of the keys; `label`, `score`, `prediction` and `threshold` are tuples if present.
        keys: the keys with their places in the policy.

    Raises:
        PolicyError: the lists do not fit each other or the task.
    """
    labels, thresholds = values.get("label", ()), values.get("threshold", ())
    task = values.get("task")
    if len(labels) < 2 and task != "multilabel":
        if len(thresholds) > 1:
            raise keys["threshold"].error("a list of thresholds belongs to task `multilabel`", "name one")
        single = {"threshold": thresholds[0]} if thresholds else {}
        return {"label": labels[0] if labels else ""} | single
    at = keys.get("label", keys["task"])
    _check_labels(labels, str(task), keys, at)
    columns = {name: values.get(name, ()) for name in _ROLES[1:]}
    for name, names in columns.items():
        if names and len(names) != len(labels):
            raise keys[name].error(f"{len(names)} columns for {len(labels)} labels", "name one column per label")
        if len(set(names)) < len(names):
            raise keys[name].error(f"`{name}` names a column twice", "name one column per label")
    if len(thresholds) not in (0, 1, len(labels)):
        raise keys["threshold"].error(f"{len(thresholds)} thresholds for {len(labels)} labels", "name one, or one each")
    _check_roles(values, str(task), keys, at)
    thresholds = thresholds * len(labels) if len(thresholds) == 1 else thresholds
    targets = tuple(
        Target(
            label=label,
            score=columns["score"][index] if columns["score"] else "",
            prediction=columns["prediction"][index] if columns["prediction"] else "",
            threshold=thresholds[index] if thresholds else DEFAULT_THRESHOLD,
        )
        for index, label in enumerate(labels)
    )
    first = targets[0]
    return {
        "label": first.label,
        "score": (first.score,) if first.score else (),
        "prediction": (first.prediction,) if first.prediction else (),
        "threshold": first.threshold,
        "targets": targets,
    }


def _check_labels(labels: Sequence[str], task: str, keys: dict[str, Located], at: Located) -> None:
    if task not in _TASKS:
        raise at.error(
            f"task `{task}` reads one label", "several labels belong to `task: multilabel` or `task: regression`"
        )
    if len(labels) < 2:
        raise at.error("task `multilabel` needs several labels", "`label: [toxic, insult]`, or `task: binary` for one")
    if len(labels) > MAX_TARGETS:
        raise at.error(f"{len(labels)} labels, and at most {MAX_TARGETS} are compared", "split them over two policies")
    if len(set(labels)) < len(labels):
        raise at.error("`label` names a column twice", "name each target once")
    if "quantiles" in keys:
        raise keys["quantiles"].error("`quantiles` belong to a single label", "compare the quantiles in another policy")


def _check_roles(values: dict[str, Any], task: str, keys: dict[str, Located], at: Located) -> None:
    """Check that the columns that the task needs are named, and that no name stands for several columns."""
    if task == "multilabel" and not values.get("score") and not values.get("prediction"):
        raise at.error("task `multilabel` needs the key `score`", "one column per label: `score: [p_toxic, p_insult]`")
    if task == "regression" and not values.get("prediction"):
        raise at.error("task `regression` needs the key `prediction`", "one column per label: `prediction: [p_x, p_y]`")
    if task == "regression" and values.get("score"):
        raise keys["score"].error("task `regression` reads `prediction`", "remove `score`")
    for role in ("baseline", "candidate"):
        for name in _ROLES:
            if name in values.get(role, {}):
                raise keys[role].error(f"`{name}` names several columns", "write the name of each column instead")
