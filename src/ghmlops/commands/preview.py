"""Starts a service as an ephemeral preview, or finds it by its URL, waits until it is ready and outputs its URL."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result, dry_run_result
from ghmlops.core import quantities
from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.model import Finding, Measurement, Outcome
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.core.policy.preview import Preview
from ghmlops.core.text.placeholders import VARIABLES, fill, shell_text
from ghmlops.report.formats import terminal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ghmlops.commands.shared.base import Services
    from ghmlops.commands.shared.evidence import EvidenceContent, Recorder, Summary
    from ghmlops.core.load.allowed_hosts import HostRules
    from ghmlops.measure.preview.probe import Readiness

DOCS = "actions/preview/README.md"


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `preview`; empty ones are taken from the policy's section `preview`."""

    command: Annotated[str, Doc(description="Command that starts the service; {port} is replaced by a free port.")] = ""
    url: Annotated[str, Doc(description="Address of a running service, instead of a command.")] = ""
    ready: Annotated[str, Doc(description="Path that answers 2xx when the service is ready.")] = ""
    timeout: Annotated[str, Doc(description="Maximum time until the service is ready, e.g. 60s.")] = ""
    lifetime: Annotated[str, Doc(description="The service is terminated after this time at the latest.")] = "1h"
    allow_hosts: Annotated[
        str,
        Doc(
            description="Hosts beyond this machine at which a service may be waited for, by commas or lines: names, "
            "*.example.com, addresses, networks; targets in the policy can only narrow them."
        ),
    ] = ""
    allow_env: Annotated[
        str,
        Doc(description="Names of the variables whose value the policy may send in a header, by commas or lines."),
    ] = ""
    stop: Annotated[str, Doc(description="Terminate the preview with this pid (output pid) and its process tree.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("url", "Address of the ready service."),
    Output("pid", "Process id to pass to `stop`; empty if nothing was started."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The service to start or to find.

    Attributes:
        service: inputs and policy section combined; exactly one of `command` and `url` is set.
        lifetime: seconds after which a started service is terminated.
        hosts: the hosts at which a service may be waited for.
    """

    service: Preview
    lifetime: float
    hosts: HostRules


def run(inputs: Inputs, services: Services) -> Result:
    """Start, find or stop a preview.

    Raises:
        InputError: An input is malformed, or `stop` names a process that is not a preview.
        PolicyError: Neither the inputs nor the policy define the service.
        ServiceError: The service is not ready; the message contains the end of its log.
    """
    from ghmlops.commands.shared.stale_evidence.unfinished import unfinished

    if inputs.stop:
        return _stop(inputs, services)
    with unfinished("preview", inputs, services):
        return _run(inputs, services)


def _run(inputs: Inputs, services: Services) -> Result:
    from ghmlops.commands.shared.evidence import open_recorder, record

    job = _prepare(inputs, services)
    if inputs.dry_run:
        return _dry_run(job)
    recorder = open_recorder("preview", inputs, services)  # Evidence without a commit is useless, so this comes first.
    try:
        return _find(job, services, recorder) if job.service.url else _start(job, services, recorder)
    except ServiceError as error:
        record(recorder, _content(f"{error.message}.", None))
        raise


def _prepare(inputs: Inputs, services: Services) -> Job:
    """Combine the inputs and the policy's section; an input overrides the policy."""
    from ghmlops.commands.shared.load.load_source import read_host_rules
    from ghmlops.commands.shared.policy_file import load_policy
    from ghmlops.core.load.header_values import fill_headers, read_names
    from ghmlops.measure.checkout import head_sha

    if inputs.command and inputs.url:
        raise InputError("inputs `command` and `url` exclude each other", hint="pass only one of them")
    path = services.cwd / inputs.policy
    by_input = bool(inputs.command or inputs.url)
    policy = None
    if not by_input or path.exists() or inputs.policy != DEFAULT_PATH:
        policy = load_policy(path, inputs.policy)
    section = policy.preview if policy else None
    if section is None and not by_input:
        raise InputError(
            f"neither `command` nor `url` is set, and {inputs.policy} has no section `preview`",
            hint='--command "python serve.py --port {port}"',
        )
    defaults = section or Preview()
    head = services.context.head_sha or head_sha(services.cwd)
    service = Preview(
        command=inputs.command or ("" if by_input else defaults.command),
        url=fill(inputs.url or ("" if by_input else defaults.url), {"sha": head}).rstrip("/"),
        build="" if by_input else defaults.build,
        build_timeout=defaults.build_timeout,
        ready=inputs.ready or defaults.ready,
        timeout=_seconds("timeout", inputs.timeout) if inputs.timeout else defaults.timeout,
        headers=fill_headers(defaults.headers, services.environ, read_names(inputs.allow_env)),
        ca_file=defaults.ca_file,
        ready_contains=defaults.ready_contains,
        ready_answers=defaults.ready_answers,
    )
    hosts = read_host_rules(policy, inputs.allow_hosts)
    if service.url:
        _check_host(service, hosts)
    return Job(service=service, lifetime=_seconds("lifetime", inputs.lifetime), hosts=hosts)


def _check_host(service: Preview, hosts: HostRules) -> None:
    """Check that the service may be waited for; its name may not be resolvable yet."""
    from ghmlops.commands.shared.load.load_source import check_addresses
    from ghmlops.measure.load.target import numeric_addresses
    from ghmlops.measure.preview.probe import check_address

    parts = urlsplit(check_address(service.url, service.ready))
    host = parts.hostname or ""
    check_addresses(host, numeric_addresses(host, parts.port or 0) or [""], "url", hosts)


def _seconds(name: str, text: str) -> float:
    try:
        return quantities.duration(text)
    except ValueError as error:
        raise InputError(f"input `{name}`: {error}", hint=f"--{name} {quantities.EXAMPLES['duration']}") from None


def _dry_run(job: Job) -> Result:
    from ghmlops.measure.preview.launch import split_command
    from ghmlops.measure.preview.probe import check_address

    service, lifetime = job.service, quantities.format_duration(job.lifetime)
    check_address(service.url or "http://127.0.0.1", service.ready)
    if service.command:
        split_command(service.command, 0)
    action = f"use {service.url}" if service.url else f"start `{service.command}` and terminate it after {lifetime}"
    path = service.ready.partition("?")[0]  # A query may contain a secret.
    timeout = quantities.format_duration(service.timeout)
    plan = f"would {action}; ready when {path} answers 2xx within {timeout}"
    return dry_run_result(f"{plan}.", terminal.block([plan]))


def _start(job: Job, services: Services, recorder: Recorder) -> Result:
    from ghmlops.commands.shared.evidence import record
    from ghmlops.measure.preview import outliving
    from ghmlops.measure.preview.launch import ServiceSpec
    from ghmlops.measure.preview.stop import runner_process

    values = {"sha": recorder.provenance.head_sha, "workdir": str(services.cwd)}
    _build(job, services, values)
    service = ServiceSpec(
        command=fill(job.service.command, values),
        cwd=services.cwd,
        environ=services.environ,
        ready=job.service.ready,
        timeout=job.service.timeout,
        headers=job.service.headers,
        contains=job.service.ready_contains,
        answers=job.service.ready_answers,
        temp=services.context.temp,
        lifetime=job.lifetime,
        watch=runner_process(),
    )
    with outliving(service, services.console.progress) as preview:
        reason = f"The service was ready after {quantities.format_duration(preview.seconds)}."
        content = _content(reason, preview.seconds)
        return record(recorder, content, lambda *_: _summary(preview.url, str(preview.pid), preview.log))


def _build(job: Job, services: Services, values: Mapping[str, str]) -> None:
    """Run the build of the policy, in the environment of the step: there is one arm.

    Raises:
        ServiceError: It failed; the message contains the end of its output.
    """
    from ghmlops.measure.builds.run import run_build

    section = job.service
    if not section.build:
        return
    result = run_build(
        ["bash", "-euo", "pipefail", "-c", shell_text(section.build)],
        cwd=services.cwd,
        environ={**services.environ, **{VARIABLES[name]: value for name, value in values.items()}},
        temp=services.context.temp,
        limit=section.build_timeout,
        progress=services.console.progress,
    )
    if result.problem:
        raise ServiceError(
            f"the build {result.problem}; the end of its output: {result.tail or 'none'}",
            hint="run the text of `preview.build` by hand",
            reason_code="build-failed",
        )


def _find(job: Job, services: Services, recorder: Recorder) -> Result:
    from ghmlops.commands.shared.evidence import record
    from ghmlops.commands.shared.load.load_source import check_addresses
    from ghmlops.measure.preview.probe import check_address, wait_until_ready

    def pause(seconds: float) -> str:
        time.sleep(seconds)
        return ""

    url = job.service.url
    address = check_address(url, job.service.ready)
    host = urlsplit(address).hostname or ""

    def check(addresses: Sequence[str]) -> None:
        check_addresses(host, addresses, "url", job.hosts)

    seconds, problem = wait_until_ready(address, _readiness(job, services), pause, services.console.progress, check)
    if problem:
        raise ServiceError(
            f"{url} is {problem}",
            hint="is it deployed, and is `ready` the right path?",
            reason_code="service-not-ready",
        )
    reason = f"The service at {url} was ready after {quantities.format_duration(seconds)}."
    return record(recorder, _content(reason, seconds), lambda *_: _summary(url))


def _readiness(job: Job, services: Services) -> Readiness:
    from ghmlops.commands.shared.input_paths import input_path
    from ghmlops.measure.load.target import tls_context
    from ghmlops.measure.preview.probe import Readiness

    service = job.service
    ca_file = str(input_path(services, service.ca_file)) if service.ca_file else ""
    return Readiness(
        timeout=service.timeout,
        headers=service.headers,
        tls=tls_context(ca_file, "preview.ca-file") if service.url.startswith("https:") else None,
        contains=service.ready_contains,
        answers=service.ready_answers,
    )


def _content(reason: str, seconds: float | None) -> EvidenceContent:
    """Return the content of the evidence; without `seconds` the service was not ready."""
    from ghmlops.commands.shared.evidence import EvidenceContent

    outcome = Outcome.ERROR if seconds is None else Outcome.PASS
    finding = Finding(
        id="preview-ready",
        metric="startup-time",
        description="Whether the service answered its readiness probe in time.",
        outcome=outcome,
        reason=reason,
        docs=f"{DOCS}#start-a-command",
        unit="s",
        candidate=seconds,
        n=1 if seconds is not None else 0,
    )
    startup = Measurement(id="startup-time", arm="candidate", unit="s", n=1, values={"seconds": seconds})
    return EvidenceContent(
        findings=[finding],
        measurements=[startup] if seconds is not None else [],
        ruling=(outcome, "preview-ready" if outcome is Outcome.PASS else "service-not-ready", reason),
    )


def _summary(url: str, pid: str = "", log: Path | None = None) -> Summary:
    from ghmlops.commands.shared.evidence import Summary

    lines = [
        f"ready at {url}",
        f"log: {log}" if log else "",
        f"terminate it with `ghmlops preview --stop {pid}`" if pid else "",
    ]
    return Summary(
        text=terminal.block(line for line in lines if line),
        outputs={"url": url, "pid": pid},
        data={"url": url, "pid": pid, "log": str(log) if log else ""},
    )


def _stop(inputs: Inputs, services: Services) -> Result:
    from ghmlops.measure.preview.stop import stop_preview

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
