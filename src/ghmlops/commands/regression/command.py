"""`ghmlops regression`: compares two prediction artifacts, or repeats a measurement or a build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from ghmlops.commands.regression.inputs import Inputs
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import Recorder, Summary
    from ghmlops.core.evidence.document import Evidence


def run(inputs: Inputs, services: Services) -> Result:
    """Pair the rows of the artifacts by key, judge them and write the evidence; or replay, or rebuild.

    Raises:
        InputError: An artifact is not named or is both sides, the engine is unknown, the memory limit is malformed or
            too small, or the commit is unknown.
        PolicyError: The policy is invalid or has no section `regression`.
        DataError: An artifact is missing, damaged or not Parquet, or lacks a column.
        EvidenceError: The evidence to replay cannot be used.
        GitHubError: An artifact of a workflow run cannot be downloaded.
    """
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    if inputs.replay and inputs.rebuild:
        raise InputError("inputs `replay` and `rebuild` exclude each other", hint="use one of them")
    if inputs.replay:
        from ghmlops.commands.regression.replay import leg_by_name, replay

        with unfinished("regression", inputs, services, leg=leg_by_name(inputs), reads=(inputs.replay,)):
            return replay(inputs, services)
    if inputs.rebuild:
        from ghmlops.commands.regression.rebuild import COMMAND, rebuild

        with unfinished(COMMAND, inputs, services):
            return rebuild(inputs, services)
    with unfinished("regression", inputs, services) as placeholder:
        return _compare(inputs, services, placeholder)


def _compare(inputs: Inputs, services: Services, placeholder: Recorder | None) -> Result:
    """Pair the rows of the artifacts by key, judge them and write the evidence."""
    from ghmlops.commands.regression.job import prepare
    from ghmlops.commands.shared.evidence import open_recorder, record

    job = prepare(inputs, services)
    if inputs.dry_run:
        from ghmlops.commands.regression.dry_run import check_artifacts

        return check_artifacts(job, services)
    from ghmlops.commands.regression.measure import measure

    recorder = open_recorder("regression", inputs, services, earlier=placeholder)
    content = measure(job, services)
    if inputs.predictions_dir:
        from ghmlops.commands.regression.candidate_copy import copy_candidate

        copy_candidate(job.datasets, inputs.predictions_dir, services, private=job.policy.private_columns)
    return record(recorder, content, _summarise)


def _summarise(evidence: Evidence, file: str) -> Summary:
    from ghmlops.commands.shared.evidence import Summary
    from ghmlops.report.formats import terminal

    rows = sum(finding.n or 0 for finding in evidence.findings if finding.id == "contract-rows")
    failed = sum(finding.outcome is Outcome.FAIL for finding in evidence.findings)
    return Summary(
        text=terminal.regression(evidence, file),
        outputs={"rows": str(rows), "failed-findings": str(failed)},
        data={"rows": rows, "failed_findings": failed},
    )
