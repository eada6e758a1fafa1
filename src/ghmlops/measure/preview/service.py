"""A ready service, for the length of a block or beyond the command that starts it."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.measure.preview.launch import ServiceSpec, SupervisorHandle, launch, log_tail
from ghmlops.measure.preview.probe import Readiness, check_address, wait_until_ready
from ghmlops.measure.temporary import deferred_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SUPERVISOR_SECONDS = 30.0
"""Maximum time for the first event of the supervisor, in seconds."""
BLOCK_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL for a service of a block: several are terminated one after the other, and a
runner that cancels a step kills it about ten seconds after its first signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A service that is ready.

    Attributes:
        url: Address of the service.
        pid: Process id of its supervisor.
        log: File with the output of the service.
        seconds: Time from its start until it was ready, in seconds.
    """

    url: str
    pid: int
    log: Path
    seconds: float


@contextlib.contextmanager
def running(  # noqa: PLR0913  (keywords only; callers have these values one by one)
    command: str,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    ready: str = "/",
    timeout: float = 60.0,
    headers: Mapping[str, str] | None = None,
    contains: str = "",
    answers: int = 1,
    progress: Callable[[str], None] = lambda _: None,
    temp: str = "",
) -> Iterator[Preview]:
    """Yield a ready service, and terminate its entire process tree when the block ends, whatever ends it.

    Args:
        command, cwd, environ, ready, timeout, headers, contains, answers, temp: See `ServiceSpec`.
        progress: Receives progress messages.

    Raises:
        InputError: The command or the path is malformed.
        ServiceError: The service ended or was not ready in time; the message contains the end of its log.
    """
    spec = ServiceSpec(
        command=command,
        cwd=cwd,
        environ=environ,
        ready=ready,
        timeout=timeout,
        headers=headers or {},
        contains=contains,
        answers=answers,
        temp=temp,
        grace=BLOCK_GRACE,
    )
    supervisor, url = _launch(spec, detach=False)
    try:
        yield _wait_ready(supervisor, spec, url, progress)
    finally:
        with deferred_signals():
            supervisor.terminate()
            supervisor.close()
            shutil.rmtree(supervisor.folder, ignore_errors=True)


@contextlib.contextmanager
def outliving(spec: ServiceSpec, progress: Callable[[str], None] = lambda _: None) -> Iterator[Preview]:
    """Yield a ready service, and let it outlive this process; if the block raises, its process tree is terminated.

    Raises:
        InputError: The command or the path is malformed.
        ServiceError: The service ended or was not ready in time; all its processes have been terminated.
    """
    supervisor, url = _launch(spec, detach=True)
    try:
        yield _wait_ready(supervisor, spec, url, progress)
        supervisor.release()
    except BaseException:
        with deferred_signals():
            supervisor.terminate()
            shutil.rmtree(supervisor.folder, ignore_errors=True)
        raise
    finally:
        supervisor.close()


def _launch(spec: ServiceSpec, *, detach: bool) -> tuple[SupervisorHandle, str]:
    check_address("http://127.0.0.1", spec.ready)  # Refuse a malformed path before anything is started.
    return launch(spec, detach=detach)


def _wait_ready(supervisor: SupervisorHandle, spec: ServiceSpec, url: str, progress: Callable[[str], None]) -> Preview:
    limit = time.monotonic() + SUPERVISOR_SECONDS
    while not supervisor.events and not supervisor.closed and time.monotonic() < limit:
        supervisor.poll(0.5)
    address = check_address(url, spec.ready)
    readiness = Readiness(timeout=spec.timeout, headers=spec.headers, contains=spec.contains, answers=spec.answers)
    seconds, problem = wait_until_ready(address, readiness, supervisor.poll, progress)
    log = supervisor.folder / "log"
    if not problem:
        return Preview(url=url, pid=supervisor.pid, log=log, seconds=seconds)
    tail = log_tail(log)
    command = "".join(c if c.isprintable() else " " for c in spec.command)[:200]
    timed_out = problem.startswith("not ready")
    raise ServiceError(
        f"`{command}` {'is ' if timed_out else ''}{problem}; "
        + (f"the end of its log: {tail}" if tail else "its log is empty"),
        hint="increase `timeout`, or correct the path `ready`"
        if timed_out
        else "run the command by hand, with a port instead of `{port}`",
        reason_code="service-not-ready",
    )
