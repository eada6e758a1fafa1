"""Measures uploaded predictions again and compares the result with the evidence of the job that ran the change."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from ghmlops.commands.remeasure.job import prepare
from ghmlops.commands.remeasure.predictions import Predictions
from ghmlops.commands.remeasure.repeat import repeat
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence_source import read_evidence
from ghmlops.commands.shared.github import connection
from ghmlops.core.evidence.remeasured import Remeasured, Repetition
from ghmlops.core.model import Outcome, conclude
from ghmlops.core.steps.step import REASON_LIMIT, short
from ghmlops.core.verdict.problems import problem
from ghmlops.measure.temporary import temporary_folder
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.commands.remeasure.inputs import Inputs
    from ghmlops.commands.remeasure.job import Job
    from ghmlops.commands.shared.base import Services

MAX_REPETITIONS = 100
"""Evidence files that are measured again. The result must fit into an environment variable of 128 KiB."""


def run(inputs: Inputs, services: Services) -> Result:
    """Measure every comparison of predictions of the run again, and output how each compares with its evidence.

    The candidate's predictions come from the run, everything else from the baseline's commit, and the policy from the
    trusted branch. What cannot be measured again is inconclusive.

    Raises:
        InputError: An input is malformed.
        PolicyError: The policy is not valid.
        GitHubError: The evidence or the deployments could not be read.
    """
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(connection(inputs.token, services)) if inputs.token else None
        job = prepare(inputs, services, client, read_evidence(inputs, services, client))
    if inputs.dry_run:
        lines = [f"would measure {file.file} again" for file in job.files]
        return dry_run_result("Nothing was measured.", terminal.block(lines or ["nothing to measure again"]))
    with temporary_folder("ghmlops-remeasure-") as folder:
        repetitions = _repeat_all(job, folder.resolve())
    return _result(job, repetitions)


def _repeat_all(job: Job, folder: Path) -> tuple[Repetition, ...]:
    (folder / "predictions").mkdir()
    (folder / "baseline").mkdir()
    predictions = Predictions(inputs=job.inputs, services=job.services, folder=folder / "predictions")
    repetitions = []
    for number, file in enumerate(job.files[:MAX_REPETITIONS], start=1):
        job.services.console.progress(f"measuring {file.file} again")
        rule, outcome, reason = repeat(job, file, predictions, folder / "baseline" / str(number))
        repetitions.append(
            Repetition(
                file=file.file, sha256=file.sha256, rule=rule, outcome=outcome, reason=short(reason, REASON_LIMIT)
            )
        )
    return tuple(repetitions)


def _result(job: Job, repetitions: tuple[Repetition, ...]) -> Result:
    findings = [problem(item.rule, item.outcome, item.reason) for item in repetitions]
    outcome, code, reason = conclude(findings)
    if not findings:
        required = job.policy.regression is not None and "regression" in job.policy.required
        outcome = Outcome.INCONCLUSIVE if required else Outcome.PASS
        code, reason = "nothing-to-repeat", "The run has no evidence of `regression` to measure again."
    elif outcome is Outcome.PASS:
        code = "evidence-repeated"
    document = Remeasured(commit=job.commit, repetitions=repetitions)
    return Result(
        outcome=outcome,
        reason_code=code,
        reason=reason,
        outputs={"remeasured": msgspec.json.encode(document).decode()},
        text=terminal.block([reason, *(f"{item.outcome}: {item.reason}" for item in repetitions)]),
        data={"remeasured": msgspec.to_builtins(document)},
        findings=tuple(findings),
    )
