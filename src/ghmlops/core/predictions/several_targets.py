"""Judges several targets: each one as a comparison of its own, then means over them and all labels of a row at once.

Findings about one target have its name in `dataset` (`core.policy.targets.scope_name`). Slices and windows of all
targets are one family of tests; over all rows, a metric fails on a target only if Holm's method confirms it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ghmlops.core.metrics import average_metrics, metrics_of
from ghmlops.core.model import NotMeasured
from ghmlops.core.policy.targets import label_sets_policy, scope_name, split_scope, target_policy
from ghmlops.core.predictions.comparison import compare_overall
from ghmlops.core.predictions.contract.coverage import label_coverage
from ghmlops.core.predictions.judgement import judge_comparisons, judge_observations, settings_of
from ghmlops.core.predictions.observation import Observation
from ghmlops.core.predictions.targets.average import average_comparison
from ghmlops.core.predictions.targets.multiplicity import TargetComparisons, adjust_over_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ghmlops.core.policy.regression import Regression
    from ghmlops.core.predictions.observation import Judgement
    from ghmlops.core.predictions.ruling import Comparison

_SHARED_FINDINGS = ("contract-", "drift-")
"""Beginnings of the ids of findings that may be the same for all targets: they are about the rows and the features."""
_UNSHARED_FINDINGS = ("contract-rows", "contract-only")
"""Findings that every target has."""
_SHARED_TABLES = ("columns", "drift", "distributions")
"""Tables of the details that have the same rows for all targets, about the same columns."""


def judge_targets(observations: Sequence[Observation], policy: Regression) -> Judgement:
    """Judge all targets of all data sets by the rules of a policy with several targets."""
    single = target_policy(policy, policy.targets[0])
    named = [msgspec.structs.replace(o, dataset=scope_name(o.dataset, o.target)) for o in observations if o.target]
    # A target whose contract forbids a comparison has no tables.
    compared = adjust_over_targets({o.dataset: compare_overall(o, single) for o in named if o.tables})
    judgement = judge_observations(named, single, compared)
    _share(judgement, len(policy.targets))
    for dataset in dict.fromkeys(o.dataset for o in observations):
        _judge_means(dataset, named, compared, policy, judgement)
    for observation in observations:
        if not observation.target:
            _judge_label_sets(observation, policy, judgement)
    return msgspec.structs.replace(
        judgement, details=msgspec.structs.replace(judgement.details, settings=settings_of(policy))
    )


def _judge_means(
    dataset: str,
    observations: Sequence[Observation],
    compared: TargetComparisons,
    policy: Regression,
    judgement: Judgement,
) -> None:
    """Judge the means over the targets of one data set."""
    own = [o for o in observations if split_scope(o.dataset)[0] == dataset]
    pairs = [o.facts.pairs for o in own if o.facts.pairs is not None]
    single = target_policy(policy, policy.targets[0])
    if len(pairs) < len(own):
        return
    # The target with the fewest labels limits what the mean can show.
    fewest = min(pairs, key=lambda p: label_coverage(p)[0])
    observation = Observation(facts=msgspec.structs.replace(own[0].facts, pairs=fewest), dataset=dataset)
    by_target: list[Mapping[str, Comparison]] = [
        {comparison.metric.id: comparison for comparison in compared.by_scope.get(o.dataset, ())} for o in own
    ]
    for name, metric in average_metrics(policy).items():
        comparisons = [by_id[name] for by_id in by_target if name in by_id]
        if len(comparisons) == len(own):
            mean = average_comparison(comparisons, metric, policy.margins.get(metric.id))
            judge_comparisons(observation, [mean], single, judgement, {})
        else:
            why = f"{len(own) - len(comparisons)} of the {len(own)} targets have no value of the metric"
            judgement.add_not_measured(observation, [NotMeasured(what=metric.title, why=why)])


def _judge_label_sets(observation: Observation, policy: Regression, judgement: Judgement) -> None:
    """Judge all labels of a row at once."""
    rules = label_sets_policy(policy)
    comparisons = compare_overall(observation, rules) if observation.tables else []
    judge_comparisons(observation, comparisons, rules, judgement, {})
    missing = {metric.id for metric in metrics_of(rules)} - {comparison.metric.id for comparison in comparisons}
    items = [NotMeasured(what=name, why="no row has every label") for name in sorted(missing)]
    judgement.add_not_measured(observation, items)


def _share(judgement: Judgement, targets: int) -> None:
    """Report what is the same for all targets of a data set once, for the data set."""
    shareable = [f.id.startswith(_SHARED_FINDINGS) and f.id not in _UNSHARED_FINDINGS for f in judgement.findings]
    judgement.findings[:] = _shared(judgement.findings, targets, shareable)
    for table in _SHARED_TABLES:
        rows = getattr(judgement.details, table)
        rows[:] = _shared(rows, targets, [True] * len(rows))
    notes = [(*split_scope(note.what.split(": ", 1)[0]), note) for note in judgement.not_measured]
    counts: dict[tuple[str, str, str], int] = {}
    for dataset, target, note in notes:
        key = (dataset, note.what.split(": ", 1)[-1], note.why)
        counts[key] = counts.get(key, 0) + bool(target)
    merged: dict[tuple[str, str], NotMeasured] = {}
    for dataset, target, note in notes:
        what = note.what.split(": ", 1)[-1]
        if target and counts[dataset, what, note.why] == targets:
            note = NotMeasured(what=f"{dataset}: {what}" if dataset else what, why=note.why)  # noqa: PLW2901
        merged.setdefault((note.what, note.why), note)
    judgement.not_measured[:] = merged.values()


def _shared(items: Sequence[Any], targets: int, shareable: Iterable[bool]) -> list[Any]:
    """Return the items, with one for the data set in place of equal ones of all its targets; the order is preserved."""
    keys: list[bytes] = []
    for item, may_share in zip(items, shareable, strict=True):
        dataset, target = split_scope(item.dataset)
        key = msgspec.json.encode(msgspec.structs.replace(item, dataset=dataset)) if target and may_share else b""
        keys.append(key)
    result: dict[object, Any] = {}
    for index, (item, key) in enumerate(zip(items, keys, strict=True)):
        if key and keys.count(key) == targets:
            result.setdefault(key, msgspec.structs.replace(item, dataset=split_scope(item.dataset)[0]))
        else:
            result[index] = item
    return list(result.values())
