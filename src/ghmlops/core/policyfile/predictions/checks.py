"""Checks the section `regression` as a whole: keys that a task requires, or that exclude each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import nearest
from ghmlops.core.metrics import METRIC_IDS, UNWEIGHTED_METRICS, metric_ids
from ghmlops.core.policyfile.yaml_reader import Located, entries

if TYPE_CHECKING:
    from ghmlops.core.policy.regression import Regression

_REQUIRED = {
    "binary": ("label", "score", "name the column of the probability: `score: p_click`"),
    "multiclass": ("label", "score", "name the column of the vector of class probabilities: `score: probabilities`"),
    "multilabel": ("label", "score", "name one column of probabilities per label: `score: [p_toxic, p_insult]`"),
    "regression": ("label", "prediction", "name the column of the predicted value"),
    "ranking": ("label", "score", "name the column that documents are ordered by"),
    "embedding": ("score", "score", "name the column of the vector"),
    "text": ("prediction", "prediction", "name the column of the text: `prediction: answer`"),
}
"""By task: the two keys that it requires in addition to `task` and `key`, and the hint if the second is missing."""
_TASK_KEYS = {
    "query": ("ranking",),
    "gain": ("ranking",),
    "unjudged": ("ranking",),
    "threshold": ("binary", "multilabel"),
    "classes": ("binary", "multiclass", "multilabel"),
}
"""Keys that only some tasks read, with those tasks."""


def check_regression(section: Regression, at: Located) -> None:
    """Check the section that was built from its keys.

    Raises:
        PolicyError: A key is missing, excludes another one, or is of another task; the error names its line.
    """
    if not section.key:
        raise at.error("`key` is empty", "name the column that identifies a row: `key: [id]`")
    first, second, hint_of_second = _REQUIRED[section.task]
    for name in dict.fromkeys((second, first)):
        if not getattr(section, name) and not (name == "score" and _has_decisions(section)):
            hint = hint_of_second if name == second else "name the column of the true answer: `label: clicked`"
            raise at.error(f"task `{section.task}` needs the key `{name}`", hint)
    keys = entries(at)
    for name, tasks in _TASK_KEYS.items():
        if name in keys and section.task not in tasks:
            raise keys[name].error(
                f"task `{section.task}` does not read `{name}`", f"it belongs to {' and '.join(tasks)}"
            )
    if section.task == "ranking" and not section.query:
        raise at.error("task `ranking` needs the key `query`", "name the column of the query: `query: query_id`")
    if section.task in ("binary", "multilabel") and len(section.classes) not in (0, 2):
        problem = f"`classes` of task `{section.task}` names two"
        raise at.error(problem, "the negative class, then the positive: `[no, yes]`")
    if section.task == "multiclass" and len(section.classes) < 2:
        raise at.error("task `multiclass` needs the key `classes`", "in the order of the vector: `classes: [a, b, c]`")
    if len(set(section.classes)) != len(section.classes):
        raise at.error("`classes` names one twice", "each class once")
    for name in ("window", "time-unit"):
        if name in keys and not section.time:
            raise keys[name].error(f"`{name}` needs the key `time`", "name the column of the event time: `time: at`")
    if section.time_zone and not section.window:
        raise keys["time-zone"].error("`time-zone` needs the key `window`", "it sets the calendar of `window: 1d`")
    _check_predict(section, keys)
    _check_private(section, keys)
    _check_weight(section, keys)
    _check_scores(section, keys)
    _check_margins(section, at)
    _check_renamed(section, at)


def _check_predict(section: Regression, keys: dict[str, Located]) -> None:
    """Check that either `predict` or each data set names both sides."""
    if "predict-timeout" in keys and not section.predict:
        raise keys["predict-timeout"].error("`predict-timeout` needs the key `predict`", "remove it, or add `predict`")
    for name, value in entries(keys["datasets"]).items() if "datasets" in keys and not section.predict else ():
        dataset = next(one for one in section.datasets if one.name == name)
        for side in ("baseline", "candidate"):
            if not getattr(dataset, side):
                raise value.error(f"the data set needs the key `{side}`", f"add `{side}:` with the file")
    if section.predict and any(dataset.baseline or dataset.candidate for dataset in section.datasets):
        raise keys["predict"].error(
            "`predict` writes baseline and candidate, which the policy names as files, too",
            "remove one of them; `artifacts` and each of `datasets` may name `labels` and `noise` beside `predict`",
        )


def _check_private(section: Regression, keys: dict[str, Located]) -> None:
    """Reject a private column whose values are the result: the verdict is about them, or windows have their names."""
    for name in section.private:
        if name in section.judged_columns:
            raise keys["private"].error(
                f"`{name}` is judged, so its values cannot be private",
                "remove it; labels and scores are reported as sums over many rows, unless `changed-rows` lists them",
            )
        if section.window and name == section.time:
            raise keys["private"].error(
                f"`{name}` cannot be private, because windows are named by their start",
                "remove `window`, or the column",
            )


def _check_weight(section: Regression, keys: dict[str, Located]) -> None:
    """Reject a weight that is the key or is predicted, and settings of metrics without a weighted definition."""
    if not section.weight:
        return
    predicted = (section.label, section.score, section.prediction, section.query, *section.scores, *section.predictions)
    if section.weight in (*section.key, *predicted):
        raise keys["weight"].error(
            f"`{section.weight}` has another role, so it cannot be the weight", "name a column of weights, or remove it"
        )
    for metric, why in UNWEIGHTED_METRICS.items():
        for key in (metric, "margins"):
            if key in keys and (key == metric or metric in section.margins):
                raise keys[key].error(
                    f"`{metric}` is not defined for weighted rows: {why}", f"remove `{metric}`, or `weight`"
                )


def _has_decisions(section: Regression) -> bool:
    """Return whether classes can be compared without `score`: the policy names them, or one column of each class."""
    return bool(section.scores) or (section.task in ("binary", "multiclass", "multilabel") and bool(section.prediction))


def _check_scores(section: Regression, keys: dict[str, Located]) -> None:
    """Check one column per class, and keys that need a score."""
    if section.scores:
        if section.task not in ("binary", "multiclass"):
            raise keys["score"].error(f"task `{section.task}` reads one column of scores", "name it: `score: p`")
        if len(section.scores) != (len(section.classes) or 2):
            raise keys["score"].error(
                f"{len(section.scores)} columns of scores for {len(section.classes) or 2} classes",
                "name one column per class, in the order of `classes`",
            )
        if len(set(section.scores)) != len(section.scores):
            raise keys["score"].error("`score` names a column twice", "name one column per class")
        for role, names in section.renamed.items():
            if "score" in names:
                raise keys[role].error("`score` names several columns", "write the name of each column instead")
    if not section.has_scores and section.task in ("binary", "multilabel") and "threshold" in keys:
        raise keys["threshold"].error("`threshold` needs the key `score`", "remove it: `prediction` is the decision")


def _check_margins(section: Regression, at: Located) -> None:
    metrics = (*metric_ids(section), *(metric.name for metric in section.metrics))
    of_task = METRIC_IDS["binary" if section.task == "multilabel" else section.task]
    for name in section.margins:
        if name in of_task and name not in metrics:
            raise at.error(
                f"`margins.{name}`: the metric needs the key `score`", "name the column, or remove the margin"
            )
        if name not in metrics:
            raise at.error(f"`margins.{name}`: not a metric of task `{section.task}`", nearest(name, metrics))


def _check_renamed(section: Regression, at: Located) -> None:
    roles = ("score", "label", "prediction", "time", "group", "query", "weight")
    used = [getattr(section, name) for name in roles if getattr(section, name)]
    used += [name for target in section.targets for name in (target.label, target.score, target.prediction) if name]
    used += [
        *section.scores,
        *section.predictions,
        *section.key,
        *section.slice_columns,
        *section.features,
        *section.changed.show,
    ]
    columns = tuple(dict.fromkeys((*roles, *used)))
    for role, names in section.renamed.items():
        for name in names:
            if name not in columns:
                value = entries(entries(at)[role])[name]
                raise value.error(f"`{name}` is not a column that the policy uses", nearest(name, columns))
