"""Starts the service of a preview, or waits for one that runs elsewhere; both leave evidence of the readiness."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ghmlops.commands.preview.evidence import evidence_content, summary
from ghmlops.commands.shared.evidence import record
from ghmlops.commands.shared.input_paths import input_path
from ghmlops.commands.shared.load.load_source import check_addresses
from ghmlops.core import quantities
from ghmlops.core.errors import ServiceError
from ghmlops.core.text.placeholders import VARIABLES, fill, shell_text
from ghmlops.measure.builds.run import run_build
from ghmlops.measure.load.target import tls_context
from ghmlops.measure.preview import outliving
from ghmlops.measure.preview.launch import ServiceSpec
from ghmlops.measure.preview.probe import Readiness, check_address, wait_until_ready
from ghmlops.measure.preview.stop import runner_process

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ghmlops.commands.preview.job import Job
    from ghmlops.commands.shared.base import Result, Services
    from ghmlops.commands.shared.evidence import Recorder


def start_service(job: Job, services: Services, recorder: Recorder) -> Result:
    """Build and start the service; it outlives this process until its lifetime ends or `preview --stop` ends it.

    Raises:
        ServiceError: The build failed, or the service is not ready in time.
    """
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
        content = evidence_content(reason, preview.seconds)
        return record(recorder, content, lambda *_: summary(preview.url, str(preview.pid), preview.log))


def _build(job: Job, services: Services, values: Mapping[str, str]) -> None:
    """Run the build of the policy, in the environment of the step: there is one arm.

    Raises:
        ServiceError: It failed; the message contains the end of its output.
    """
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


def find_service(job: Job, services: Services, recorder: Recorder) -> Result:
    """Wait until a service that runs elsewhere is ready.

    Raises:
        ServiceError: It is not ready in time.
    """

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
    return record(recorder, evidence_content(reason, seconds), lambda *_: summary(url))


def _readiness(job: Job, services: Services) -> Readiness:
    service = job.service
    ca_file = str(input_path(services, service.ca_file)) if service.ca_file else ""
    return Readiness(
        timeout=service.timeout,
        headers=service.headers,
        tls=tls_context(ca_file, "preview.ca-file") if service.url.startswith("https:") else None,
        contains=service.ready_contains,
        answers=service.ready_answers,
    )
