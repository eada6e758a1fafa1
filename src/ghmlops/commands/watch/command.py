"""Runs `watch`: reads the metrics, judges them at one time, writes the evidence, and keeps the issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence import EvidenceContent, Summary, build, open_recorder, record
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.commands.watch.job import Job, read_job
from ghmlops.core.details.watch import DeploymentRow, WatchDetails
from ghmlops.core.watch.evaluation import Evaluation, evaluate, iso
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.core.evidence.document import Evidence


def run(inputs: Inputs, services: Services) -> Result:
    """Judge the metrics of production.

    Raises:
        InputError: An input is malformed, or the commit is unknown.
        PolicyError: The policy is invalid, or has no section `watch`.
        DataError: A file of a metric is missing, or cannot be read.
        GitHubError: GitHub rejected a request about an issue.
    """
    with unfinished("watch", inputs, services):
        recorder = open_recorder("watch", inputs, services)
        job = read_job(inputs, services)
        evaluation = evaluate(job.policy, job.content, job.deployments, now=job.now, clock=services.now().timestamp())
        content = _content(job, evaluation)

        def summarise(evidence: Evidence, file: str) -> Summary:
            outputs = {"alarms": str(len({f.metric for f in evaluation.alarms})), "suspect": evaluation.suspect}
            data = {"alarms": [finding.id for finding in evaluation.alarms], "suspect": evaluation.suspect}
            return Summary(text=terminal.watch(evidence, file), outputs=outputs, data=data)

        if inputs.dry_run:
            summary = summarise(build(recorder, content), "")
            return dry_run_result("Nothing was written.", summary.text, dict(summary.data))
        result = record(recorder, content, summarise)
    if inputs.issue:
        from ghmlops.commands.watch.issues import keep_issues

        keep_issues(inputs, services, job, evaluation)
    return result


def _content(job: Job, evaluation: Evaluation) -> EvidenceContent:
    oldest = job.now - job.policy.history
    return EvidenceContent(
        findings=[*job.problems, *evaluation.findings],
        not_measured=job.not_measured,
        details=WatchDetails(
            evaluated=iso(job.now),
            series=evaluation.series,
            deployments=[DeploymentRow(time=d.time, commit=d.commit) for d in job.deployments if d.time >= oldest],
            settings=job.policy,
        ),
    )
