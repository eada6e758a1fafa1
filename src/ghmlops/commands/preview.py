"""Start a service as an ephemeral preview, or find it by its URL, wait until it is ready, give its URL."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from ghmlops.commands.shared.base import EVIDENCE_OUTPUT, OUTCOME_OUTPUTS, Common, Doc, Output, Result
from ghmlops.core import quantities
from ghmlops.core.errors import InputError, ServiceError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Finding, Measurement, Outcome
from ghmlops.core.policy.document import DEFAULT_PATH
from ghmlops.core.policy.preview import Preview

if TYPE_CHECKING:
    from datetime import datetime

    from ghmlops.commands.shared.base import Services

DOCS = "actions/preview/README.md"


class Inputs(Common, frozen=True, kw_only=True):
    """Inputs of `preview`; what is empty comes from the policy's section `preview`."""

    command: Annotated[str, Doc(description="Command that starts the service; {port} becomes a free port.")] = ""
    url: Annotated[str, Doc(description="Address of a service that runs already, instead of a command.")] = ""
    ready: Annotated[str, Doc(description="Path that answers 2xx when the service is ready.")] = ""
    timeout: Annotated[str, Doc(description="How long to wait until it is ready, e.g. 60s.")] = ""
    lifetime: Annotated[str, Doc(description="The service is ended after this time at the latest.")] = "1h"
    stop: Annotated[str, Doc(description="End the preview with this pid (output pid) and its process tree.")] = ""


OUTPUTS = (
    *OUTCOME_OUTPUTS,
    EVIDENCE_OUTPUT,
    Output("url", "Address of the ready service."),
    Output("pid", "Process id to hand to `stop`; empty where nothing was started."),
)


def run(inputs: Inputs, services: Services) -> Result:
    """Start, find or stop a preview.

    Raises:
        InputError: an input is malformed, or `stop` names a process that is not a preview.
        PolicyError: nothing is given, and the policy does not say it either.
        ServiceError: the service is not ready; the message has the end of its log.
    """
    from ghmlops.commands.shared.provenance import commit_under_test

    if inputs.stop:
        return _stop(inputs, services)
    wanted = _wanted(inputs, services)
    lifetime = _duration("lifetime", inputs.lifetime)
    if inputs.dry_run:
        return _plan(wanted, lifetime)
    commit_under_test(services)  # asked before anything is started: evidence without a commit is worth nothing
    started = services.now()
    try:
        if wanted.url:
            return _find(inputs, services, wanted, started)
        return _start(inputs, services, wanted, lifetime, started)
    except ServiceError as error:
        _write(inputs, services, started, f"{error.message}.", None)
        raise


def _wanted(inputs: Inputs, services: Services) -> Preview:
    """Join the inputs and the policy's section; an input beats the policy."""
    from ghmlops.commands.shared.policy_file import load_policy

    if inputs.command and inputs.url:
        raise InputError("inputs `command` and `url` are both given", hint="give the one that is to be used")
    path = services.cwd / inputs.policy
    given = bool(inputs.command or inputs.url)
    found = None
    if not given or path.exists() or inputs.policy != DEFAULT_PATH:
        found = load_policy(path, inputs.policy).preview
    if found is None and not given:
        raise InputError(
            f"neither `command` nor `url` is given, and {inputs.policy} has no section `preview`",
            hint='--command "python serve.py --port {port}"',
        )
    base = found or Preview()
    timeout = _duration("timeout", inputs.timeout) if inputs.timeout else base.timeout
    return Preview(
        command=inputs.command or ("" if given else base.command),
        url=(inputs.url or ("" if given else base.url)).rstrip("/"),
        ready=inputs.ready or base.ready,
        timeout=timeout,
    )


def _duration(name: str, text: str) -> float:
    try:
        return quantities.duration(text)
    except ValueError as error:
        raise InputError(f"input `{name}`: {error}", hint=f"--{name} {quantities.EXAMPLES['duration']}") from None


def _plan(wanted: Preview, lifetime: float) -> Result:
    from ghmlops.measure.preview.launch import words_of
    from ghmlops.measure.preview.probe import check_address

    check_address(wanted.url or "http://127.0.0.1", wanted.ready)
    if wanted.command:
        words_of(wanted.command, 0)
    what = (
        f"use {wanted.url}"
        if wanted.url
        else f"start `{wanted.command}` and end it after {quantities.format_duration(lifetime)} at the latest"
    )
    path = wanted.ready.partition("?")[0]  # a query may hold a secret
    plan = f"would {what}; ready when {path} answers 2xx within {quantities.format_duration(wanted.timeout)}"
    return Result(outcome=Outcome.PASS, reason_code="dry-run", reason=f"{plan}.", text=_printable(plan))


def _start(inputs: Inputs, services: Services, wanted: Preview, lifetime: float, started: datetime) -> Result:
    from ghmlops.measure.preview import outliving
    from ghmlops.measure.preview.launch import Wanted
    from ghmlops.measure.preview.stop import runner_process

    service = Wanted(
        command=wanted.command,
        cwd=services.cwd,
        environ=services.environ,
        ready=wanted.ready,
        timeout=wanted.timeout,
        temp=services.context.temp,
        lifetime=lifetime,
        watch=runner_process(),
    )
    with outliving(service, services.console.progress) as preview:
        reason = f"The service was ready after {quantities.format_duration(preview.seconds)}."
        file = _write(inputs, services, started, reason, preview.seconds)
        return _ready(preview.url, str(preview.pid), file, reason, str(preview.log))


def _find(inputs: Inputs, services: Services, wanted: Preview, started: datetime) -> Result:
    from ghmlops.measure.preview.probe import check_address, wait_until_ready

    def pause(seconds: float) -> str:
        time.sleep(seconds)
        return ""

    address = check_address(wanted.url, wanted.ready)
    seconds, problem = wait_until_ready(address, wanted.timeout, pause, services.console.progress)
    if problem:
        raise ServiceError(
            f"{wanted.url} is {problem}", hint="is it deployed, and is `ready` the right path?",
            reason_code="service-not-ready",
        )  # fmt: skip
    reason = f"The service at {wanted.url} was ready after {quantities.format_duration(seconds)}."
    file = _write(inputs, services, started, reason, seconds)
    return _ready(wanted.url, "", file, reason, "")


def _ready(url: str, pid: str, file: str, reason: str, log: str) -> Result:
    lines = [
        f"ready at {url}",
        f"log: {log}" if log else "",
        f"end it with `ghmlops preview --stop {pid}`" if pid else "",
    ]
    return Result(
        outcome=Outcome.PASS,
        reason_code="preview-ready",
        reason=reason,
        outputs={"url": url, "pid": pid, "evidence-file": file},
        text="\n".join(_printable(line) for line in lines if line),
        data={"url": url, "pid": pid, "log": log, "evidence_file": file},
    )


def _write(inputs: Inputs, services: Services, started: datetime, reason: str, seconds: float | None) -> str:
    """Write the evidence, and return its path as the user knows it; without `seconds` it was not ready."""
    from ghmlops.act.evidence import write_evidence
    from ghmlops.commands.shared.provenance import provenance

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
    measured = Measurement(id="startup-time", arm="candidate", unit="s", n=1, values={"seconds": seconds})
    evidence = Evidence(
        command="preview",
        leg=inputs.leg,
        outcome=outcome,
        reason_code="preview-ready" if outcome is Outcome.PASS else "service-not-ready",
        reason=reason,
        provenance=provenance(inputs, services, started),
        findings=[finding],
        measurements=[measured] if seconds is not None else [],
    )
    written = write_evidence(services.cwd / inputs.evidence_dir, evidence)
    return f"{inputs.evidence_dir}/{written.name}"


def _stop(inputs: Inputs, services: Services) -> Result:
    from ghmlops.measure.preview.stop import stop

    if inputs.dry_run:
        plan = f"would end the preview {inputs.stop}"
        return Result(outcome=Outcome.PASS, reason_code="dry-run", reason=f"{plan}.", text=_printable(plan))
    ended = stop(inputs.stop, services.context.temp)
    outputs = {"url": "", "pid": "", "evidence-file": ""}
    if ended.status is not None:
        reason = f"The service of preview {inputs.stop} had ended by itself, exit status {ended.status}: {ended.tail}"
        finding = Finding(
            id="preview-ended", metric="preview", outcome=Outcome.WARN, reason=reason, docs=f"{DOCS}#teardown"
        )
        return Result(
            outcome=Outcome.WARN, reason_code="preview-ended", reason=reason, outputs=outputs, text=_printable(reason),
            data={"how": ended.how}, findings=(finding,),
        )  # fmt: skip
    reason = f"Preview {inputs.stop} was ended." if ended.how == "now" else f"Preview {inputs.stop} had ended before."
    return Result(
        outcome=Outcome.PASS, reason_code="preview-stopped", reason=reason, outputs=outputs, text=reason,
        data={"how": ended.how},
    )  # fmt: skip


def _printable(text: str) -> str:
    from ghmlops.report.text.escape import printable

    return printable(text)
