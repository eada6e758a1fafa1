"""Diff of Parquet prediction artifacts, row by row: contract, metrics, behaviour, slices, windows, reproducibility."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.regression.inputs import Inputs
from ghmlops.commands.shared.base import Common, Result
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome, conclude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.model import Finding
    from ghmlops.core.policy.regression import Dataset, Regression

MOST_LINES = 30
"""Findings in the terminal's table; the evidence holds all."""


def run(inputs: Inputs, services: Services) -> Result:
    """Pair the artifacts by key, judge, write the evidence; or repeat a measurement; or build twice.

    Raises:
        InputError: an artifact is not named, or is both sides; the memory limit is malformed or too small; the
            commit is not known.
        PolicyError: the policy is invalid or has no section `regression`.
        DataError: an artifact is missing, damaged or not Parquet, or lacks a column.
        EvidenceError: the evidence to replay cannot be used.
        GitHubError: an artifact of a workflow run cannot be had.
    """
    from ghmlops.act.evidence import evidence_name, write_evidence
    from ghmlops.commands.shared.provenance import commit_under_test

    if inputs.replay and inputs.rebuild:
        raise InputError("`replay` and `rebuild` are both given", hint="give one of them")
    if inputs.replay:
        from ghmlops.commands.regression.replay import replay

        return replay(inputs, services, lambda asked, datasets: _measure(asked, services, datasets))
    if inputs.rebuild:
        from ghmlops.commands.regression.rebuild import rebuild

        return rebuild(inputs, services)
    policy = _policy(inputs, services)
    datasets = _datasets(inputs, policy)
    if inputs.dry_run:
        from ghmlops.commands.regression.dry_run import plan

        return plan(inputs, services, policy, datasets)
    commit_under_test(services)  # known before anything is read
    evidence = _measure(inputs, services, datasets)
    write_evidence(services.cwd / inputs.evidence_dir, evidence)
    return _result(evidence, str(Path(inputs.evidence_dir) / evidence_name(evidence.command, evidence.leg)))


def _policy(inputs: Common, services: Services) -> Regression:
    from ghmlops.commands.shared.policy_file import load_policy

    policy = load_policy(services.cwd / inputs.policy, inputs.policy).regression
    if policy is None:
        raise PolicyError(
            f"{inputs.policy} has no section `regression`", hint="add one: `regression: {task: binary, ...}`"
        )
    return policy


def _datasets(inputs: Inputs, policy: Regression) -> tuple[Dataset, ...]:
    """Return what is compared: the policy's data sets, or what the inputs name."""
    from ghmlops.core.policy.regression import Dataset

    given = {name: getattr(inputs, name) for name in ("baseline", "candidate", "labels") if getattr(inputs, name)}
    if given and len(policy.datasets) > 1:
        raise InputError(
            f"{', '.join(f'--{name}' for name in given)} beside several data sets",
            hint=f"name the artifacts of each under `datasets` in {inputs.policy}, or give a policy with one",
        )
    known = policy.datasets or (Dataset(),)
    found = tuple(msgspec.structs.replace(one, **{name: (text,) for name, text in given.items()}) for one in known)
    for one in found:
        for role in ("baseline", "candidate"):
            if not getattr(one, role):
                raise InputError(
                    f"no {role} was given",
                    hint=f"give --{role} FILE, or `regression: {{artifacts: {{{role}: FILE}}}}` in {inputs.policy}",
                )
    return found


def _measure(inputs: Inputs, services: Services, datasets: Sequence[Dataset]) -> Evidence:
    """Read and judge the data sets; nothing is written."""
    from ghmlops.commands.regression.read import observe
    from ghmlops.commands.shared.provenance import provenance
    from ghmlops.core.reproduce.replay_inputs import write_inputs

    policy, started = _policy(inputs, services), services.now()
    seen, sources = observe(inputs, services, policy, datasets)
    from ghmlops.core.predictions.judgement import judge_observations

    judged = judge_observations(seen, policy)
    outcome, code, reason = conclude(judged.findings)
    prints = {
        f"{one.dataset}/{role}" if one.dataset else role: p for one in seen for role, p in one.fingerprints.items()
    }
    named = write_inputs(inputs.policy, inputs.engine, inputs.memory_limit, datasets)
    return Evidence(
        command="regression",
        leg=inputs.leg,
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=provenance(inputs, services, started, fingerprints=prints),
        findings=judged.findings,
        measurements=judged.measurements,
        not_measured=judged.not_measured,
        details=msgspec.structs.replace(judged.details, inputs=named, sources=sources),
    )


def _result(evidence: Evidence, file: str) -> Result:
    from ghmlops.report.text.escape import printable

    paired = [f.n or 0 for f in evidence.findings if f.id == "contract-rows"]
    rows = sum(paired)
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

    from ghmlops.core.predictions.subgroup import subgroup_name
    from ghmlops.report.text.escape import printable

    ranked = sorted(findings, key=lambda f: -f.outcome.severity)
    rows = []
    for finding in ranked[:MOST_LINES]:
        change = finding.change
        rows.append(
            (
                finding.outcome.value,
                finding.id,
                printable(subgroup_name(finding.slice, finding.window, finding.dataset))[:40],
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
