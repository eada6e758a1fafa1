"""Diff of two Parquet prediction artifacts, row by row: contract, metrics, behaviour, slices, windows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.model import Evidence, Outcome, conclude
from ghmlops.core.quantities import size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy import Regression
    from ghmlops.core.regression import Observed

MOST_LINES = 30
"""Findings in the terminal's table; the evidence holds all."""


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `regression`; the rest stands in the policy's section `regression`."""

    baseline: Annotated[str, Doc(description="Parquet file of the baseline's predictions; overrides the policy.")] = ""
    candidate: Annotated[str, Doc(description="Parquet file of the candidate's predictions; overrides the policy.")] = (
        ""
    )
    labels: Annotated[str, Doc(description="Parquet file of labels joined by key, where the artifacts hold none.")] = ""
    memory_limit: Annotated[str, Doc(description="Memory the diff may use before it spills to disk, e.g. 1GiB.")] = (
        "1GiB"
    )


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("rows", "Rows that were paired."),
    Output("failed-findings", "Number of findings that failed."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Pair the artifacts by key, judge, write the evidence.

    Raises:
        InputError: an artifact is not named, or is both sides; the memory limit is malformed or too small; the
            commit is not known.
        PolicyError: the policy is invalid or has no section `regression`.
        DataError: an artifact is missing, damaged or not Parquet, or lacks a column.
    """
    from ghmlops.act.evidence import evidence_name, write_evidence
    from ghmlops.commands.policy import load_policy
    from ghmlops.commands.provenance import commit_under_test, provenance
    from ghmlops.core.regression import judge_observed
    from ghmlops.measure import checkout
    from ghmlops.measure.predictions.reading import read_predictions

    policy = load_policy(services.cwd / inputs.policy, inputs.policy).regression
    if policy is None:
        raise PolicyError(
            f"{inputs.policy} has no section `regression`", hint="add one: `regression: {task: binary, ...}`"
        )
    artifacts, memory = _artifacts(inputs, policy, services.cwd), _memory(inputs)
    if inputs.dry_run:
        return _plan(artifacts, policy, memory)
    commit_under_test(services)  # known before anything is read
    started = services.now()
    observed = read_predictions(artifacts, policy, memory, services.console.progress)
    judged = judge_observed(observed, policy)
    prints = {role: checkout.fingerprint(path) for role, (path, _) in artifacts.items()}
    outcome, code, reason = conclude(judged.findings)
    evidence = Evidence(
        command="regression",
        leg=inputs.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, fingerprints=prints),
        findings=judged.findings,
        measurements=judged.measurements,
        not_measured=judged.not_measured,
        details=judged.details,
    )
    write_evidence(services.cwd / inputs.evidence_dir, evidence)
    file = str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg))
    return _result(evidence, observed, file)


def _artifacts(inputs: Inputs, policy: Regression, cwd: Path) -> dict[str, tuple[Path, str]]:
    """Return role to (path, how messages call it)."""
    named = {
        "baseline": inputs.baseline or policy.artifacts.baseline,
        "candidate": inputs.candidate or policy.artifacts.candidate,
    }
    for role, name in named.items():
        if not name:
            raise InputError(
                f"no {role} was given",
                hint=f"give --{role} FILE, or `regression: {{artifacts: {{{role}: FILE}}}}` in {inputs.policy}",
            )
    if os.path.realpath(cwd / named["baseline"]) == os.path.realpath(cwd / named["candidate"]):
        raise InputError(
            f"{named['candidate']} is the baseline and the candidate: a file compared with itself proves nothing",
            hint="give the two files that --baseline and --candidate are to compare; a copy may stand for one of them",
        )
    if labels := inputs.labels or policy.labels:
        named["labels"] = labels
    return {role: (cwd / name, name) for role, name in named.items()}


def _memory(inputs: Inputs) -> int:
    try:
        return size(inputs.memory_limit)
    except ValueError as error:
        raise InputError(f"input `memory-limit`: {error}", hint="--memory-limit 1GiB") from None


def _plan(artifacts: Mapping[str, tuple[Path, str]], policy: Regression, memory: int) -> Result:
    """Check files, columns and types, and say what would be compared."""
    from ghmlops.act.console import printable
    from ghmlops.core.metrics import metrics_of
    from ghmlops.measure.predictions.reading import read_schema

    schema = read_schema(artifacts, policy, memory)
    problems = (*schema.mismatched_keys, *schema.mismatched_labels)
    lines = [
        f"would compare {artifacts['candidate'][1]} with {artifacts['baseline'][1]}, paired by {', '.join(policy.key)}"
    ]
    lines += [f"  labels: {policy.label}" + (f" of {artifacts['labels'][1]}" if "labels" in artifacts else "")]
    for metric in metrics_of(policy.task):
        margin = policy.margins.get(metric.id, metric.margin)
        unit = {"absolute": "", "baseline": " of the baseline's", "label-spread": " of the label's deviation"}
        said = "shown only" if margin is None else f"margin {margin:g}{unit[metric.margin_of]}"
        where = "" if metric.overall else " (slices and windows only)"
        lines.append(f"  {metric.id}: {said}{where}")
    lines += [f"  slices: {' x '.join(columns)}, of at least {policy.minimum_rows:,} rows" for columns in policy.slices]
    lines += [f"  windows: {policy.window} of {policy.time}, in UTC"] if policy.window else []
    lines += [f"  groups: {policy.group}"] if policy.group else []
    lines += [f"  note: types differ: {line}" for line in schema.different]
    lines += [f"  error: {line}; a key or a label is never cast" for line in problems]
    return Result(
        outcome=Outcome.ERROR if problems else Outcome.PASS,
        reason_code="contract-key-type" if schema.mismatched_keys else "contract-label-type" if problems else "dry-run",
        reason="The artifacts cannot be compared." if problems else "The artifacts would be compared.",
        text="\n".join(printable(line) for line in lines),
        data={"columns": schema.columns, "problems": list(problems)},
    )


def _result(evidence: Evidence, observed: Observed, file: str) -> Result:
    from ghmlops.act.console import printable

    rows = observed.facts.pairs.paired if observed.facts.pairs else 0
    failed = sum(1 for finding in evidence.findings if finding.outcome is Outcome.FAIL)
    lines = [
        f"regression: {evidence.outcome.value}: {evidence.reason}",
        "",
        *_table(evidence.findings).split("\n"),
        "",
        *[f"not measured: {skipped.what}: {skipped.why}" for skipped in evidence.not_measured[:MOST_LINES]],
        f"evidence: {file}",
    ]
    return Result(
        outcome=evidence.outcome,
        reason_code=evidence.reason_code,
        reason=evidence.reason,
        outputs={"evidence-file": file, "rows": str(rows), "failed-findings": str(failed)},
        text="\n".join(printable(line) for line in lines),
        data={"evidence_file": file, "rows": rows, "failed_findings": failed},
        findings=tuple(evidence.findings),
    )


def _table(findings: Sequence[Finding]) -> str:
    """Return the findings as lines for a terminal, the worst first, without control characters of the data."""
    from tabulate import tabulate

    from ghmlops.act.console import printable
    from ghmlops.core.slices import name_place

    ranked = sorted(findings, key=lambda f: -f.outcome.severity)
    rows = []
    for finding in ranked[:MOST_LINES]:
        change = finding.change
        rows.append(
            (
                finding.outcome.value,
                finding.id,
                printable(name_place(finding.slice, finding.window))[:40],
                "" if finding.n is None else f"{finding.n:,}",
                _number(finding.baseline),
                _number(finding.candidate),
                f"{_number(change.low)} to {_number(change.high)}" if change else "",
                _number(finding.margin),
            )
        )
    headers = ("outcome", "finding", "where", "rows", "baseline", "candidate", "change", "margin")
    right = ("left", "left", "left", "right", "right", "right", "right", "right")
    table = tabulate(rows, headers=headers, disable_numparse=True, colalign=right if rows else None)
    left = len(ranked) - MOST_LINES
    return table + (f"\n... and {left:,} more in the evidence" if left > 0 else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
