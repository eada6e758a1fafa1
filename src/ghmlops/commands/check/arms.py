"""The two arms of a check: addresses from the inputs, or services that are started for it and terminated afterwards."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ghmlops.core.errors import PolicyError, ServiceError
from ghmlops.core.text.placeholders import fill

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ghmlops.commands.check.builds import BuiltArm
    from ghmlops.commands.check.job import Job
    from ghmlops.core.policy.preview import Preview as PreviewPolicy
    from ghmlops.measure.preview import Preview


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Addresses of the two arms.

    Attributes:
        candidate: address of the candidate.
        baseline: address of the baseline; empty without a baseline.
        twin: address of a second process of the baseline; empty without one.
        started: the services that were started here, by arm.
        built: work tree, environment and code of these, by arm.
        absent: why the commit of the baseline has no service, which the change adds; empty if it has one.
    """

    candidate: str
    baseline: str
    started: Mapping[str, Preview]
    twin: str = ""
    built: Mapping[str, BuiltArm] = field(default_factory=dict)
    absent: str = ""


@contextlib.contextmanager
def deployed(job: Job, *, baseline: bool = True, twin: bool = False, swapped: bool = False) -> Iterator[Arms]:
    """Yield the addresses of both arms; services that are started here are terminated on exit, with their processes.

    The baseline is started from a work tree of the commit `job.base`, but only together with a candidate that is
    started here: a service on this machine and a remote one cannot be compared. The policy of the same commit defines
    how it is built and started, so that a change cannot slow its baseline down. If that commit has no policy for a
    service, and its service cannot be started by the policy of the change, the change adds the service.

    Args:
        job: the run of `check`.
        baseline: whether a baseline is started.
        twin: whether a second process of the baseline is started, if the baseline is started here.
        swapped: whether the arms are started in the opposite order.

    Raises:
        PolicyError: Neither the policy nor the inputs define the candidate's address.
        InputError: The environment of an arm cannot be created.
        ServiceError: A build failed, or a service ended, or was not ready in time; the message names arm and commit.
    """
    sections = _sections(job)
    addresses = _addresses(job, sections)
    starting = [arm for arm in ("candidate", "baseline") if not addresses[arm]]
    candidate = job.head_policy.preview
    if not baseline or not job.base or len(starting) < len(addresses) or not (candidate and candidate.command):
        starting = [arm for arm in starting if arm == "candidate"]
    started: dict[str, Preview] = {}
    built: dict[str, BuiltArm] = {}
    absent = ""
    with contextlib.ExitStack() as stack:
        for arm in sorted(starting, reverse=swapped):
            section = sections[arm]
            assert section is not None  # noqa: S101  (without an address there is a section)
            try:
                built[arm] = job.builds.arm(arm, section)
                started[arm] = stack.enter_context(_service(job, section, built[arm]))
            except ServiceError as error:
                problem = _named(arm, job, error)
                if arm == "candidate" or _baseline_has_service(job):
                    raise problem from None
                absent = problem.message
                built.pop(arm, None)
                job.services.console.note(f"preview: {absent}; the change adds the service")
                continue
            addresses[arm] = started[arm].url
            job.services.console.note(f"preview: the {arm} is ready at {addresses[arm]}")
        second = ""
        if twin and "baseline" in started:
            second = _twin(job, sections["baseline"], built["baseline"], stack)
        yield Arms(**addresses, twin=second, started=started, built=built, absent=absent)


def _twin(job: Job, section: PreviewPolicy | None, arm: BuiltArm, stack: contextlib.ExitStack) -> str:
    """Start a second process of the baseline and return its address.

    Raises:
        ServiceError: It ended, or was not ready in time.
    """
    assert section is not None  # noqa: S101  (the baseline was started by it)
    try:
        url = stack.enter_context(_service(job, section, arm)).url
    except ServiceError as error:
        message = f"the twin of the baseline: {error.message}"
        raise ServiceError(message, hint=error.hint, reason_code=error.reason_code) from None
    job.services.console.note(f"preview: a twin of the baseline is ready at {url}")
    return url


def _sections(job: Job) -> dict[str, PreviewPolicy | None]:
    """Return the section by which each arm is built, started or found.

    Raises:
        PolicyError: Neither the policy nor the inputs define the candidate's address.
    """
    preview = job.head_policy.preview
    if preview is None and not job.inputs.url:
        raise PolicyError(
            f"{job.inputs.policy} measures a service but has no section `preview`",
            hint="add `preview:`, or pass the input `url`",
        )
    return {"candidate": preview, "baseline": (job.base_policy.preview if job.base_policy else None) or preview}


def _addresses(job: Job, sections: Mapping[str, PreviewPolicy | None]) -> dict[str, str]:
    """Return the address of each arm that is deployed elsewhere; empty for one that is started here."""
    from ghmlops.measure.checkout import head_sha

    inputs, candidate, baseline = job.inputs, sections["candidate"], sections["baseline"]
    url = inputs.url or (candidate.url if candidate else "")
    base = inputs.baseline_url or (baseline.baseline_url if baseline else "")
    if not base and baseline and "{sha}" in baseline.url and job.base:
        base = baseline.url
    head = job.services.context.head_sha or head_sha(job.services.cwd)
    return {"candidate": fill(url, {"sha": head}), "baseline": fill(base, {"sha": job.base})}


def _service(job: Job, section: PreviewPolicy, arm: BuiltArm) -> contextlib.AbstractContextManager[Preview]:
    from ghmlops.core.load.header_values import fill_headers, read_names
    from ghmlops.measure.preview import running

    inputs, services = job.inputs, job.services
    return running(
        fill(section.command, {"sha": arm.sha, "workdir": str(arm.cwd)}),
        cwd=arm.cwd,
        environ=arm.environ,
        ready=section.ready,
        timeout=section.timeout,
        headers=fill_headers(section.headers, services.environ, read_names(inputs.allow_env)),
        contains=section.ready_contains,
        answers=section.ready_answers,
        progress=services.console.progress,
        temp=services.context.temp,
    )


def _named(arm: str, job: Job, error: ServiceError) -> ServiceError:
    """Return the error with the arm and its commit in front."""
    from ghmlops.measure.checkout import head_sha

    sha = job.base if arm == "baseline" else job.services.context.head_sha or head_sha(job.services.cwd)
    commit = f" ({sha[:12]})" if sha else ""
    return ServiceError(f"the {arm}{commit}: {error.message}", hint=error.hint, reason_code=error.reason_code)


def _baseline_has_service(job: Job) -> bool:
    """Return whether the policy of the baseline's commit describes a service that can be started."""
    trusted = job.services.trusted
    if trusted is None or trusted.policy(job.services.cwd, job.inputs.policy) is None:
        return False
    return job.base_policy is None or job.base_policy.preview is not None
