"""Runs `watch`: reads the metrics, judges them at one time, writes the evidence, and keeps the issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence import EvidenceContent, Summary, build, open_recorder, record
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.commands.watch.confirmation import EMPTY_OUTPUTS, claim, conclude
from ghmlops.commands.watch.job import Job, read_job
from ghmlops.commands.watch.respond import check_inputs, decide, start
from ghmlops.core.details.watch import AccuracyRow, DeploymentRow, ResponseRow, WatchDetails
from ghmlops.core.errors import InputError, nearest
from ghmlops.core.watch.evaluation import Evaluation, evaluate, iso
from ghmlops.report.formats import terminal
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.watch.inputs import Inputs
    from ghmlops.core.evidence.document import Evidence
    from ghmlops.core.incidents.accuracy import Accuracy
    from ghmlops.core.incidents.response import Response


def run(inputs: Inputs, services: Services) -> Result:
    """Judge the metrics of production, or end a request in the workflow that it started.

    Raises:
        InputError: An input is malformed, or the commit is unknown.
        PolicyError: The policy is invalid, or has no section `watch`.
        DataError: A file of a metric is missing, or cannot be read.
        GitHubError: GitHub rejected a request about an issue.
    """
    tasks = {"observe": _observe, "claim": claim, "conclude": conclude}
    if inputs.task not in tasks:
        raise InputError(
            f'"{printable(inputs.task[:80])}" is not a task of `watch`', hint=nearest(inputs.task, tuple(tasks))
        )
    return tasks[inputs.task](inputs, services)


def _observe(inputs: Inputs, services: Services) -> Result:
    check_inputs(inputs)
    with unfinished("watch", inputs, services):
        recorder = open_recorder("watch", inputs, services)
        job = read_job(inputs, services)
        evaluation = evaluate(job.policy, job.content, job.deployments, now=job.now, clock=services.now().timestamp())
        responses, accuracy = decide(inputs, services, job, evaluation)
        content = _content(job, evaluation, responses, accuracy)

        def summarise(evidence: Evidence, file: str) -> Summary:
            states = [response.state.value for response in responses]
            outputs = {
                **EMPTY_OUTPUTS,
                "evidence-file": file,
                "alarms": str(len({f.metric for f in evaluation.alarms})),
                "suspect": evaluation.suspect,
                "states": ",".join(states),
            }
            data = {
                "alarms": [finding.id for finding in evaluation.alarms],
                "suspect": evaluation.suspect,
                "states": states,
            }
            return Summary(text=terminal.watch(evidence, file), outputs=outputs, data=data)

        if inputs.dry_run:
            summary = summarise(build(recorder, content), "")
            return dry_run_result("Nothing was written.", summary.text, dict(summary.data))
        result = record(recorder, content, summarise)
    _follow(inputs, services, job, evaluation, responses)
    return result


def _follow(
    inputs: Inputs, services: Services, job: Job, evaluation: Evaluation, responses: Sequence[Response]
) -> None:
    """Start the workflows, and keep the issues: those of the alarms too whose workflow could not be started."""
    urls: dict[str, str] = {}
    try:
        if inputs.respond:
            start(inputs, services, responses, urls)
    finally:
        if inputs.issue:
            from ghmlops.commands.watch.issues import followed, keep_issues

            keep_issues(inputs, services, job, evaluation, followed(responses, urls))


def _content(job: Job, evaluation: Evaluation, responses: list[Response], accuracy: Accuracy) -> EvidenceContent:
    oldest = job.now - job.policy.history
    return EvidenceContent(
        findings=[*job.problems, *evaluation.findings],
        not_measured=job.not_measured,
        details=WatchDetails(
            evaluated=iso(job.now),
            series=evaluation.series,
            deployments=[DeploymentRow(time=d.time, commit=d.commit) for d in job.deployments if d.time >= oldest],
            settings=job.policy,
            responses=[
                ResponseRow(
                    commit=response.incident.commit,
                    base=response.incident.base,
                    metrics=[alarm.metric for alarm in response.incident.alarms],
                    state=response.state.value,
                    reason=response.reason,
                    request=response.request,
                )
                for response in responses
            ],
            accuracy=None if job.history_problem else AccuracyRow(**accuracy._asdict()),
        ),
    )
