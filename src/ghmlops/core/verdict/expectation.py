"""The findings that a policy demands of each command: one per margin and objective, guards and contract included."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ghmlops.core.policy.targets import scope_name, target_policy

if TYPE_CHECKING:
    from ghmlops.core.paired.metric import Metric
    from ghmlops.core.policy.before_traffic.shadow import Shadow
    from ghmlops.core.policy.document import Policy
    from ghmlops.core.policy.latency import Latency
    from ghmlops.core.policy.objectives import Objectives
    from ghmlops.core.policy.regression import Regression


class ExpectedFinding(NamedTuple):
    """A finding that must be in the evidence of a command.

    Attributes:
        id: its id.
        dataset: its data set; `None` if any will do.
        compares: whether it compares the candidate with the baseline, so that a first deployment cannot have it.
    """

    id: str
    dataset: str | None = ""
    compares: bool = False


def expected_findings(policy: Policy, command: str) -> tuple[ExpectedFinding, ...]:  # noqa: PLR0911  (one per pillar)
    """Return the findings that a policy demands of the evidence of a command."""
    if command == "latency" and policy.latency:
        return _latency(policy.latency)
    if command == "import" and policy.latency:
        return tuple(map(ExpectedFinding, _objectives(policy.latency.slo)))
    if command == "regression" and policy.regression:
        return _regression(policy.regression)
    if command == "capacity" and policy.capacity:
        return (ExpectedFinding("capacity"),)
    if command == "synthetic" and policy.synthetic:
        described = (ExpectedFinding("synthetic-schemathesis"),) if policy.synthetic.schemathesis else ()
        return (ExpectedFinding("synthetic-answered"), *described)
    if command == "shadow" and policy.shadow:
        return tuple(ExpectedFinding(name, compares=True) for name in _shadow(policy.shadow))
    if command == "preview" and policy.preview:
        return (ExpectedFinding("preview-ready", None),)
    return ()


def _shadow(shadow: Shadow) -> list[str]:
    names = ["coverage", "errors", "shape", "values"]
    # Requests of a log are not sent again, so no single answer is proven.
    names += ["single-answers"] if shadow.access_logs is None else []
    names += [] if shadow.margins.disagreement is None else ["disagreement"]
    names += [] if shadow.margins.decisions is None else ["decisions"]
    names += [] if shadow.margins.latency is None else ["latency"]
    return [f"shadow-{name}" for name in names]


def _latency(latency: Latency) -> tuple[ExpectedFinding, ...]:
    compared = (*(f"latency-{name}" for name in latency.margins), "error-ratio", "guard-split")
    return (
        *(ExpectedFinding(name, compares=True) for name in compared),
        *map(ExpectedFinding, _objectives(latency.slo)),
        ExpectedFinding("guard-lateness"),
        ExpectedFinding("guard-data"),
    )


def _objectives(slo: Objectives) -> list[str]:
    from ghmlops.core.latency.objectives import allowed_shares

    return [f"objective-{name.replace('.', '-')}" for name in allowed_shares(slo)]


def _regression(regression: Regression) -> tuple[ExpectedFinding, ...]:
    datasets = [dataset.name for dataset in regression.datasets] or [""]
    metrics = [f"regression-{metric.id}" for metric in judged_metrics(regression)]
    ids = ["contract-rows", *metrics]
    expected = [(name, dataset) for dataset in datasets for name in ids]
    if regression.targets:
        first = target_policy(regression, regression.targets[0])
        own = ["contract-rows", *(f"regression-{metric.id}" for metric in judged_metrics(first))]
        scopes = [scope_name(dataset, target.label) for dataset in datasets for target in regression.targets]
        together = [name for name in metrics if name not in own]
        expected = [(name, scope) for scope in scopes for name in own]
        expected += [(name, dataset) for dataset in datasets for name in together]
    declared = {"slices": regression.slices, "windows": regression.window}
    summaries = [f"{kind}-summary" for kind, columns in declared.items() if columns]
    return (
        *(ExpectedFinding(name, dataset, compares=True) for name, dataset in expected),
        *(ExpectedFinding(name, compares=True) for name in summaries),
    )


def judged_metrics(regression: Regression) -> list[Metric]:
    """Return the metrics that must be judged over all rows: those with a margin whose columns the policy names.

    A margin that the policy sets is demanded even if its columns are not named, because somebody relies on it.
    """
    from ghmlops.core.metrics import overall_metrics

    return [
        metric
        for metric in overall_metrics(regression)
        if metric.id in regression.margins or (metric.margin is not None and _has_columns(metric, regression))
    ]


def _has_columns(metric: Metric, regression: Regression) -> bool:
    """Return whether the policy names the columns of a metric; a decision follows from the score if there is one."""
    templates = " ".join((metric.row, *metric.rows))
    needs_score = metric.compare_columns is not None or any(name in templates for name in ("{s}", "{t}", "{r}"))
    if metric.needs_label and not regression.label:
        return False
    return regression.has_scores or not needs_score or (regression.task == "regression" and bool(regression.prediction))
