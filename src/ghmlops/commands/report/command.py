"""Pull-request comment, job summary and pages, from evidence files alone."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.evidence import encode
from ghmlops.act.files import write_atomically
from ghmlops.commands.report.announcement import announce
from ghmlops.commands.report.comment import PublishedComment, publish_comment
from ghmlops.commands.report.inputs import Inputs
from ghmlops.commands.report.job import prepare
from ghmlops.commands.report.past import with_past
from ghmlops.commands.shared.base import Result
from ghmlops.commands.shared.github import connection
from ghmlops.commands.shared.stale_evidence.old_verdict import NAME, remove_old_verdict
from ghmlops.core.errors import InputError
from ghmlops.core.steps.check_run import verdict_check
from ghmlops.core.steps.finding_lines import key_lines
from ghmlops.core.verdict.admission import UNFINISHED
from ghmlops.report.comment.brief import brief
from ghmlops.report.content.layout import lay_out
from ghmlops.report.content.placed_findings import place_findings
from ghmlops.report.formats import comment as comment_format
from ghmlops.report.formats import html, markdown, terminal
from ghmlops.report.formats.annotations import check_annotations
from ghmlops.report.formats.badge import badge
from ghmlops.report.formats.junit import junit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.report.job import Job
    from ghmlops.commands.shared.base import Services
    from ghmlops.core.steps.check_run import Annotation
    from ghmlops.measure.github import Client
    from ghmlops.report.text.blocks import Report


def run(inputs: Inputs, services: Services) -> Result:
    """Merge the evidence folder into a verdict and report it: files, job summary, comment.

    The files are written first, the comment last. The exit code follows the outcome, as for the commands that measure.

    Raises:
        InputError: An input is malformed, or a pull-request event contains no pull request.
        PolicyError: The policy file exists and is not valid.
        EvidenceError: Evidence was measured for another commit.
        GitHubError: The comment could not be written; `PermissionMissing` names the permission.
    """
    with contextlib.ExitStack() as stack:

        @functools.cache
        def open_client() -> Client:
            return stack.enter_context(connection(inputs.token, services))

        if inputs.measuring:
            return announce(inputs, services, open_client)
        if not inputs.dry_run:
            remove_old_verdict(services.cwd, _verdict_file(inputs), inputs.evidence_dir)
        job = with_past(prepare(inputs, services, open_client), inputs, services)
        report = lay_out(job.verdict, job.evidence, job.facts)
        files = (_verdict_file(inputs), inputs.markdown, inputs.html, inputs.junit, inputs.badge)
        names = tuple(name for name in files if name)
        if not inputs.dry_run:
            _write_files(job, report, inputs, services)
        if job.run and job.run.conclusion in UNFINISHED:
            services.console.note(f"nothing was written to GitHub: run {job.run.run_id} was {job.run.conclusion}")
            return _result(job, report, inputs, names)
        comment = publish_comment(job, inputs, services, open_client)
        if comment.note:
            services.console.note(comment.note)
        check_url = _write_check_run(job, inputs, services, open_client)
    return _result(job, report, inputs, names, comment=comment, check_url=check_url)


def _write_check_run(job: Job, inputs: Inputs, services: Services, open_client: Callable[[], Client]) -> str:
    """Write the verdict as a check run; return its address, or an empty string if none was written.

    Raises:
        InputError: The verdict does not come from a run, so that nothing binds it to a commit.
        GitHubError: The check run could not be written.
    """
    if not inputs.check_run:
        return ""
    if job.run is None or not inputs.token:
        raise InputError(
            "input `check-run`: a check run needs the run that measured, and a token",
            hint="pass `run-id: ${{ github.event.workflow_run.id }}` and `token: ${{ github.token }}`",
        )
    check = verdict_check(
        job.verdict,
        _comment_text(job, trend=False),
        run_id=int(job.run.run_id),
        attempt=job.run.attempt,
        url=job.facts.run_url,
        annotations=_annotations(job, inputs, services),
    )
    if inputs.dry_run:
        services.console.note(f"would write the check run {check.name}: {check.conclusion}")
        return ""
    from ghmlops.act.github.check_runs import upsert_check_run

    written = upsert_check_run(open_client(), check)
    missing = f"; GitHub does not show {written.missing} of its {len(check.annotations)} annotations"
    services.console.note(
        f"check run {check.name} {written.state}: {check.conclusion}{missing if written.missing else ''}"
    )
    return written.url


def _annotations(job: Job, inputs: Inputs, services: Services) -> list[Annotation]:
    """Return the findings that did not pass, beside the lines of the policy in the work tree."""
    path = services.cwd / inputs.policy
    lines = key_lines(path.read_text(encoding="utf-8", errors="replace")) if path.is_file() else {}
    return check_annotations(place_findings(job.verdict.findings, job.evidence), inputs.policy, lines)


def _comment_text(job: Job, *, trend: bool = True) -> str:
    """Return the comment; without its trend for a check run, in which GitHub draws no charts."""
    facts = job.facts if trend else msgspec.structs.replace(job.facts, past=())
    return comment_format.comment(brief(job.verdict, job.evidence, facts))


def _write_files(job: Job, report: Report, inputs: Inputs, services: Services) -> None:
    files = {_verdict_file(inputs): encode(job.verdict)}
    if inputs.markdown:
        files[inputs.markdown] = _comment_text(job).encode()
    if inputs.html:
        from ghmlops.report.content.latency.latency_charts import latency_charts

        drawn = dataclasses.replace(report, latency=latency_charts(job.files))
        files[inputs.html] = html.page(drawn).encode()
    if inputs.junit:
        files[inputs.junit] = junit(job.verdict, job.evidence).encode()
    if inputs.badge:
        files[inputs.badge] = badge(job.verdict).encode()
    for name, content in files.items():
        write_atomically(services.cwd / name, content)


def _verdict_file(inputs: Inputs) -> str:
    return str(PurePath(inputs.evidence_dir) / NAME)


def _result(  # noqa: PLR0913  (the parts of one result)
    job: Job,
    report: Report,
    inputs: Inputs,
    names: tuple[str, ...],
    *,
    comment: PublishedComment = PublishedComment(),  # noqa: B008  (immutable)
    check_url: str = "",
) -> Result:
    verdict, files = job.verdict, () if inputs.dry_run else names
    action = "would write" if inputs.dry_run else "written"
    lines = [*terminal.verdict(verdict, verdict.service), *(f"{action}: {name}" for name in names)]
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        outputs={
            "verdict-file": _verdict_file(inputs) if files else "",
            "comment-url": comment.url,
            "check-run-url": check_url,
        },
        text=terminal.block(lines),
        data={"verdict": verdict, "files": list(files), "comment_url": comment.url},
        findings=(*verdict.findings, *job.warnings),
        annotated=not check_url,
        summary=markdown.summary(report),
    )
