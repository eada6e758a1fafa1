"""Pull-request comment, job summary and pages, from evidence files alone."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from ghmlops.commands.report import comment as report_comment
from ghmlops.commands.report.inputs import Inputs, Material
from ghmlops.commands.shared.base import Result
from ghmlops.core.errors import EvidenceError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.commands.shared.base import Services
    from ghmlops.core.evidence.verdict import Loaded
    from ghmlops.core.policy.document import Policy
    from ghmlops.report.content.run_facts import Facts

PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target")


def run(inputs: Inputs, services: Services) -> Result:
    """Merge the evidence folder into a verdict and tell it: files, job summary, comment.

    The files are written first, the comment last. The exit code follows the outcome, as for the commands that measure.

    Raises:
        InputError: an input is malformed, or a pull-request event names no pull request.
        PolicyError: there is a policy file, and it is not valid.
        EvidenceError: evidence was measured for another commit.
        GitHubError: the comment could not be written; `PermissionMissing` names the permission.
    """
    number = _number(inputs, services)
    material = _material(inputs, services)
    files = () if inputs.dry_run else _write(inputs, services, material)
    url, told = report_comment.tell(inputs, services, material, number)
    if told:
        services.console.note(told)
    return _result(inputs, material, files, url)


def _number(inputs: Inputs, services: Services) -> int | None:
    """Return the number of the pull request, as far as input and event tell it."""
    from ghmlops.report.text.escape import address

    if inputs.artifact_url and not address(inputs.artifact_url):
        raise InputError(
            f'input `artifact-url`: expected an http or https address, got "{inputs.artifact_url[:80]}"',
            hint="pass the output `artifact-url` of the step that uploads the evidence",
        )
    if inputs.pull_request == 0:
        raise InputError("input `pull-request`: 0 is not a pull request", hint="--pull-request 1")
    context = services.context
    number = inputs.pull_request or context.pull_request
    if inputs.comment and number is None and context.event_name in PULL_REQUEST_EVENTS:
        raise InputError(
            f"event file {context.event_path or '(none)'} of a {context.event_name} event holds no pull request",
            hint="name it with --pull-request, or give --comment false",
        )
    return number


def _material(inputs: Inputs, services: Services) -> Material:
    import msgspec

    from ghmlops.commands.shared.evidence_folder import collect
    from ghmlops.commands.shared.provenance import commit_under_test
    from ghmlops.core.evidence.verdict import Rules, merge
    from ghmlops.core.policy.gate import Gate
    from ghmlops.measure import checkout

    policy = _policy(inputs, services)
    commit = commit_under_test(services)
    repository = services.context.repository or checkout.repository_name(services.cwd)
    files, absent = collect(services.cwd / inputs.evidence_dir, inputs.evidence_dir)
    _refuse_foreign(files, commit)
    rules = Rules(
        commit=commit,
        required=policy.required if policy else (),
        now=services.now(),
        max_age=(policy.gate if policy else Gate()).max_age,
        repository=repository,
    )
    service = policy.service if policy else repository.rpartition("/")[2] or services.cwd.name
    verdict = merge(files, rules, service=service)
    verdict = msgspec.structs.replace(verdict, not_measured=[*verdict.not_measured, *absent])
    evidence = [loaded.evidence for loaded in files if loaded.evidence]
    return Material(verdict=verdict, evidence=evidence, facts=_facts(inputs, services, policy, repository))


def _policy(inputs: Inputs, services: Services) -> Policy | None:
    """Return the policy, or `None` where there is no such file: evidence can be reported on without one."""
    from ghmlops.commands.shared.policy_file import load_policy

    path = services.cwd / inputs.policy
    return load_policy(path, inputs.policy) if path.exists() else None


def _refuse_foreign(files: Sequence[Loaded], commit: str) -> None:
    for loaded in files:
        if loaded.evidence and loaded.evidence.provenance.head_sha != commit:
            measured = loaded.evidence.provenance.head_sha[:64] or "(none)"
            raise EvidenceError(
                f"{loaded.file} was measured for commit {measured}, and this run is about {commit}",
                hint="hand over the evidence of this commit, or check out the commit that was measured",
            )


def _facts(inputs: Inputs, services: Services, policy: Policy | None, repository: str) -> Facts:
    from ghmlops.core.context import dig
    from ghmlops.report.content.run_facts import Facts

    context = services.context
    # In the second stage the run that counts is the one that measured; GitHub's event names it, not the artifact.
    measured = dig(context.event, "workflow_run") if context.event_name == "workflow_run" else None
    run_id, attempt = dig(measured, "id"), dig(measured, "run_attempt")
    server = f"{context.server_url}/{context.repository}/actions/runs"
    known = isinstance(run_id, int) and context.server_url and context.repository
    return Facts(
        workflow=context.workflow,
        server_url=context.server_url,
        repository=repository,
        base_sha=context.base_sha,
        run_id=str(run_id) if isinstance(run_id, int) else context.run_id,
        run_attempt=attempt if isinstance(attempt, int) and attempt > 0 else context.run_attempt,
        run_url=f"{server}/{run_id}" if known else context.run_url,
        artifact_url=inputs.artifact_url,
        docs_url=_documentation(),
        policy=inputs.policy if policy else "",
        required=policy.required if policy else (),
        evidence_dir=inputs.evidence_dir,
    )


def _documentation() -> str:
    """Return the address of the suite's files, from the package's own description."""
    from importlib.metadata import metadata

    urls = dict(entry.split(", ", 1) for entry in metadata("ghmlops").get_all("Project-URL") or [])
    return f"{urls['Homepage']}/blob/main/" if "Homepage" in urls else ""


def _write(inputs: Inputs, services: Services, material: Material) -> tuple[str, ...]:
    """Write the verdict and the files asked for; return their names."""
    from ghmlops.act.evidence import encode
    from ghmlops.act.files import write_atomically
    from ghmlops.report.content.layout import lay_out
    from ghmlops.report.formats import html, markdown
    from ghmlops.report.formats.junit import junit

    verdict, evidence = material.verdict, material.evidence
    report = lay_out(verdict, evidence, material.facts)
    made = [(_verdict_file(inputs), encode(verdict))]
    made += [(inputs.markdown, markdown.comment(report).encode())] if inputs.markdown else []
    made += [(inputs.html, html.page(report).encode())] if inputs.html else []
    made += [(inputs.junit, junit(verdict, evidence).encode())] if inputs.junit else []
    for name, content in made:
        write_atomically(services.cwd / name, content)
    return tuple(name for name, _ in made)


def _verdict_file(inputs: Inputs) -> str:
    return str(PurePath(inputs.evidence_dir) / "verdict.json")


def _result(inputs: Inputs, material: Material, files: tuple[str, ...], url: str) -> Result:
    import msgspec

    from ghmlops.report.content.layout import lay_out
    from ghmlops.report.formats import markdown
    from ghmlops.report.text.escape import printable

    verdict = material.verdict
    lines = [f"{verdict.outcome.value}: {verdict.service}, commit {verdict.commit}", f"  {verdict.reason}"]
    lines += [f"  {file.outcome.value:<12}  {file.file}" for file in verdict.evidence]
    lines += [f"  not measured  {entry.what}: {entry.why}" for entry in dict.fromkeys(verdict.not_measured)]
    asked = (_verdict_file(inputs), *(f for f in (inputs.markdown, inputs.html, inputs.junit) if f))
    lines += [f"written: {name}" for name in files] if not inputs.dry_run else [f"would write: {f}" for f in asked]
    return Result(
        outcome=verdict.outcome,
        reason_code=verdict.reason_code,
        reason=verdict.reason,
        outputs={"verdict-file": _verdict_file(inputs) if files else "", "comment-url": url},
        text="\n".join(printable(line) for line in lines),
        data={"verdict": msgspec.to_builtins(verdict), "files": list(files), "comment_url": url},
        findings=tuple(verdict.findings),
        summary=markdown.summary(lay_out(verdict, material.evidence, material.facts)),
    )
