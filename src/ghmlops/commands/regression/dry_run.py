"""The dry run of `regression`: files, columns and types are checked, and what would be compared is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.policy.regression import Dataset, Regression


def plan(inputs: Inputs, services: Services, policy: Regression, datasets: Sequence[Dataset]) -> Result:
    """Check files, columns and types without reading rows.

    Raises:
        InputError, DataError, PolicyError, GitHubError: as `regression.run`.
    """
    from ghmlops.commands.regression.read import engine_of, resolved, source_of
    from ghmlops.measure.predictions.engine.engines import open_engine
    from ghmlops.measure.predictions.reading import read_schema
    from ghmlops.report.text.escape import printable

    lines, problems, keyed, columns = [], list[str](), False, 0
    for one in datasets:
        with resolved(one, inputs, services) as found:
            sources = {role: source_of(artifact) for role, artifact in found.items() if role != "noise"}
            with open_engine(engine_of(inputs), sources) as session:
                schema = read_schema(session, policy)
            candidate, baseline = found["candidate"].display_name, found["baseline"].display_name
            named = f"{one.name}: " if one.name else ""
            lines.append(f"{named}would compare {candidate} with {baseline}, paired by {', '.join(policy.key)}")
            if policy.label:
                of = f" of {found['labels'].display_name}" if "labels" in found else ""
                lines.append(f"  labels: {policy.label}{of}")
            lines += [f"  noise floor: {found['noise'].display_name}"] if "noise" in found else []
            lines += [f"  note: types differ: {line}" for line in schema.different_kinds]
            problems += [*schema.mismatched_keys, *schema.mismatched_labels]
            keyed, columns = keyed or bool(schema.mismatched_keys), schema.columns
    lines += _rules(policy)
    lines += [f"  error: {line}; a key or a label is never cast" for line in problems]
    return Result(
        outcome=Outcome.ERROR if problems else Outcome.PASS,
        reason_code="contract-key-type" if keyed else "contract-label-type" if problems else "dry-run",
        reason="The artifacts cannot be compared." if problems else "The artifacts would be compared.",
        text="\n".join(printable(line) for line in lines),
        data={"columns": columns, "problems": problems},
    )


def _rules(policy: Regression) -> list[str]:
    from ghmlops.core.metrics import metrics_of

    lines = []
    for metric in metrics_of(policy):
        margin = policy.margins.get(metric.id, metric.margin)
        unit = {"absolute": "", "baseline": " of the baseline's", "label-spread": " of the label's deviation"}
        said = "shown only" if margin is None else f"margin {margin:g}{unit[metric.margin_of]}"
        where = "" if metric.overall else " (slices and windows only)"
        lines.append(f"  {metric.id}: {said}{where}")
    lines += [f"  slices: {' x '.join(columns)}, of at least {policy.minimum_rows:,} rows" for columns in policy.slices]
    lines += [f"  windows: {policy.window} of {policy.time}, in UTC"] if policy.window else []
    lines += [f"  features: {', '.join(policy.features)}"] if policy.features else []
    lines += [f"  groups: {policy.group}"] if policy.group else []
    return lines
