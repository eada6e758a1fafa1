"""`ghmlops preview`: starts, finds or stops a preview, and writes the evidence of its start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.commands.preview.evidence import DOCS, evidence_content
from ghmlops.commands.preview.job import prepare
from ghmlops.commands.preview.service import find_service, start_service
from ghmlops.commands.shared.base import Result, dry_run_result
from ghmlops.commands.shared.evidence import open_recorder, record
from ghmlops.commands.shared.stale_evidence.unfinished import unfinished
from ghmlops.core import quantities
from ghmlops.core.errors import ServiceError
from ghmlops.core.model import Finding, Outcome
from ghmlops.measure.preview.launch import split_command
from ghmlops.measure.preview.probe import check_address
from ghmlops.measure.preview.stop import stop_preview
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from ghmlops.commands.preview.inputs import Inputs
    from ghmlops.commands.preview.job import Job
    from ghmlops.commands.shared.base import Services


def run(inputs: Inputs, services: Services) -> Result:
    """Start, find or stop a preview.

    Raises:
        InputError: An input is malformed, or `stop` names a process that is not a preview.
        PolicyError: Neither the inputs nor the policy define the service.
        ServiceError: The service is not ready; the message contains the end of its log.
    """
    if inputs.stop:
        return _stop(inputs, services)
    with unfinished("preview", inputs, services):
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    job = prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    recorder = open_recorder("preview", inputs, services)  # Evidence without a commit is useless, so this comes first.
    try:
        return find_service(job, services, recorder) if job.service.url else start_service(job, services, recorder)
    except ServiceError as error:
        record(recorder, evidence_content(f"{error.message}.", None))
        raise


def _dry_run(job: Job) -> Result:
    service, lifetime = job.service, quantities.format_duration(job.lifetime)
    check_address(service.url or "http://127.0.0.1", service.ready)
    if service.command:
        split_command(service.command, 0)
    action = f"use {service.url}" if service.url else f"start `{service.command}` and terminate it after {lifetime}"
    path = service.ready.partition("?")[0]  # A query may contain a secret.
    timeout = quantities.format_duration(service.timeout)
    plan = f"would {action}; ready when {path} answers 2xx within {timeout}"
    return dry_run_result(f"{plan}.", terminal.block([plan]))


def _stop(inputs: Inputs, services: Services) -> Result:
    if inputs.dry_run:
        plan = f"would terminate the preview {inputs.stop}"
        return dry_run_result(f"{plan}.", terminal.block([plan]))
    end = stop_preview(inputs.stop, services.context.temp)
    if end.status is None:
        before = "" if end.reason == "now" else "already "
        outcome, code = Outcome.PASS, "preview-stopped"
        reason = f"Preview {inputs.stop} was {before}terminated."
    else:
        outcome, code = Outcome.WARN, "preview-ended"
        tail = f"; the end of its log: {end.tail}" if end.tail else ""
        reason = f"The service of preview {inputs.stop} had exited with exit status {end.status}{tail}"
    finding = Finding(id=code, metric="preview", outcome=outcome, reason=reason, docs=f"{DOCS}#teardown")
    return Result(
        outcome=outcome,
        reason_code=code,
        reason=reason,
        outputs={"url": "", "pid": "", "evidence-file": ""},
        text=terminal.block([reason]),
        data={"how": end.reason},
        findings=(finding,) if outcome is Outcome.WARN else (),
    )
