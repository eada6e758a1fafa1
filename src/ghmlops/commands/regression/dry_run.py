"""Dry run of `regression`: checks files, columns and types, and lists what would be compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from ghmlops.commands.regression.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.regression import Regression

_MARGIN_OF = {"absolute": "", "baseline": " of the baseline's", "label-spread": " of the label's standard deviation"}


def check_artifacts(job: Job, services: Services) -> Result:
    """Check files, columns and types without reading rows.

    Raises:
        GhmlopsError: As `ghmlops.commands.regression.command.run`.
    """
    from ghmlops.commands.regression.measure import engine_source, resolved_artifacts
    from ghmlops.core.policy.targets import single_policies
    from ghmlops.core.predictions.private_values import withheld_values
    from ghmlops.measure.predictions.engine.engines import open_engine
    from ghmlops.measure.predictions.reading import read_schema
    from ghmlops.report.formats import terminal

    policy = job.policy
    lines, problems, mismatched_key, columns = list[str](), list[str](), False, 0
    for dataset in job.datasets:
        with withheld_values(policy.private_columns), resolved_artifacts(dataset, job.token, services) as artifacts:
            sources = {role: engine_source(artifact) for role, artifact in artifacts.items() if role != "noise"}
            with open_engine(job.engine, sources) as session:
                schemas = [read_schema(session, one) for one in single_policies(policy)]
            names = {role: artifact.display_name for role, artifact in artifacts.items()}
        title = f"{dataset.name}: " if dataset.name else ""
        lines.append(
            f"{title}would compare {names['candidate']} with {names['baseline']}, paired by {', '.join(policy.key)}"
        )
        labels = [one.label for one in single_policies(policy) if one.label]
        if labels:
            source = f" of {names['labels']}" if "labels" in names else ""
            lines.append(f"  labels: {', '.join(labels)}{source}")
        lines += [f"  noise floor: {names['noise']}"] if "noise" in names else []
        different = dict.fromkeys(line for schema in schemas for line in schema.different_kinds)
        lines += [f"  note: types differ: {line}" for line in different]
        differing = (line for schema in schemas for line in (*schema.mismatched_keys, *schema.mismatched_labels))
        problems += dict.fromkeys(differing)
        mismatched_key = mismatched_key or any(schema.mismatched_keys for schema in schemas)
        columns = max(schema.columns for schema in schemas)
    lines += _rules(policy)
    lines += [f"  error: {line}; keys and labels are never cast" for line in problems]
    code = "contract-key-type" if mismatched_key else "contract-label-type" if problems else "dry-run"
    return Result(
        outcome=Outcome.ERROR if problems else Outcome.PASS,
        reason_code=code,
        reason="The artifacts cannot be compared." if problems else "The artifacts can be compared.",
        text=terminal.block(lines),
        data={"columns": columns, "problems": problems},
    )


def _rules(policy: Regression) -> list[str]:
    """Return one line per metric with its margin, and the subgroups, features and clusters."""
    from ghmlops.core.metrics import metrics_of

    lines = []
    for metric in metrics_of(policy):
        margin = policy.margins.get(metric.id, metric.margin)
        limit = "reported only" if margin is None else f"margin {margin:g}{_MARGIN_OF[metric.margin_of]}"
        scope = "" if metric.overall else " (slices and windows only)"
        lines.append(f"  {metric.id}: {limit}{scope}")
    lines += [f"  slices: {' x '.join(columns)}, of at least {policy.minimum_rows:,} rows" for columns in policy.slices]
    lines += [f"  windows: {policy.window} of {policy.time}, in UTC"] if policy.window else []
    lines += [f"  features: {', '.join(policy.features)}"] if policy.features else []
    lines += [f"  groups: {policy.group}"] if policy.group else []
    return lines
