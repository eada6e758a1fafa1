"""Pull-request comment, job summary and pages, from evidence files alone."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from ghmlops.act.evidence import encode
from ghmlops.act.files import write_atomically
from ghmlops.commands.report.comment import publish_comment
from ghmlops.commands.report.inputs import Inputs
from ghmlops.commands.report.job import prepare
from ghmlops.commands.shared.base import Result
from ghmlops.report.content.layout import lay_out
from ghmlops.report.formats import html, markdown, terminal
from ghmlops.report.formats.junit import junit

if TYPE_CHECKING:
    from ghmlops.commands.report.job import Job
    from ghmlops.commands.shared.base import Services


def run(inputs: Inputs, services: Services) -> Result:
    """Merge the evidence folder into a verdict and report it: files, job summary, comment.

    The files are written first, the comment last. The exit code follows the outcome, as for the commands that measure.

    Raises:
        InputError: An input is malformed, or a pull-request event contains no pull request.
        PolicyError: The policy file exists and is not valid.
        EvidenceError: Evidence was measured for another commit.
        GitHubError: The comment could not be written; `PermissionMissing` names the permission.
    """
    job = prepare(inputs, services)
    names = tuple(name for name in (_verdict_file(inputs), inputs.markdown, inputs.html, inputs.junit) if name)
    if not inputs.dry_run:
        _write_files(job, inputs, services)
    comment = publish_comment(job, inputs, services)
    if comment.note:
        services.console.note(comment.note)
    return _result(job, inputs, names, comment.url)


def _write_files(job: Job, inputs: Inputs, services: Services) -> None:
    report = lay_out(job.verdict, job.evidence, job.facts)
    files = {_verdict_file(inputs): encode(job.verdict)}
    if inputs.markdown:
        files[inputs.markdown] = markdown.comment(report).encode()
    if inputs.html:
        files[inputs.html] = html.page(report).encode()
    if inputs.junit:
        files[inputs.junit] = junit(job.verdict, job.evidence).encode()
    for name, content in files.items():
        write_atomically(services.cwd / name, content)


def _verdict_file(inputs: Inputs) -> str:
    return str(PurePath(inputs.evidence_dir) / "verdict.json")


def _result(job: Job, inputs: Inputs, names: tuple[str, ...], comment_url: str) -> Result:
    verdict, files = job.verdict, () if inputs.dry_run else names
    action = "would write" if inputs.dry_run else "written"
    lines = [*terminal.verdict(verdict, verdict.service), *(f"{action}: {name}" for name in names)]
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        outputs={"verdict-file": _verdict_file(inputs) if files else "", "comment-url": comment_url},
        text=terminal.block(lines),
        data={"verdict": msgspec.to_builtins(verdict), "files": list(files), "comment_url": comment_url},
        findings=tuple(verdict.findings),
        summary=markdown.summary(lay_out(verdict, job.evidence, job.facts)),
    )
