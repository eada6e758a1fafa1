"""A service that is ready, for the length of a block or for longer than the command that starts it."""

from __future__ import annotations

import contextlib
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ghmlops.core.errors import ServiceError
from ghmlops.measure.preview.launch import Supervised, Wanted, launch, log_tail
from ghmlops.measure.preview.probe import check_address, wait_until_ready
from ghmlops.measure.temporary import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SUPERVISOR_SECONDS = 30.0
BLOCK_GRACE = 2.0
"""Seconds that a service of a block has to end by itself: several end one after the other, and a runner that cancels
a step kills it about ten seconds after its first signal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A service that is ready."""

    url: str
    pid: int
    """Of its supervisor."""
    log: Path
    seconds: float
    """From its start until it was ready."""


@contextlib.contextmanager
def running(  # noqa: PLR0913  (keywords only; callers have these values one by one)
    command: str,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    ready: str = "/",
    timeout: float = 60.0,
    progress: Callable[[str], None] = lambda _: None,
    temp: str = "",
) -> Iterator[Preview]:
    """Yield a service that is ready; on leaving, on an error and on an interrupt its whole process tree is ended.

    Args:
        command, cwd, environ, ready, timeout, temp: as in `Wanted`.
        progress: told where it stands.

    Raises:
        InputError: the command or the path cannot be used.
        ServiceError: it ended, or was not ready in time; the message has the end of its log.
    """
    wanted = Wanted(
        command=command, cwd=cwd, environ=environ, ready=ready, timeout=timeout, temp=temp, grace=BLOCK_GRACE
    )
    supervised, url = _launch(wanted, detach=False)
    try:
        yield _ready(supervised, wanted, url, progress)
    finally:
        with undisturbed():
            supervised.end()
            supervised.forget()
            shutil.rmtree(supervised.folder, ignore_errors=True)


@contextlib.contextmanager
def outliving(wanted: Wanted, progress: Callable[[str], None] = lambda _: None) -> Iterator[Preview]:
    """Yield a service that is ready, and let it live on when the block ends well; else its whole tree is ended.

    Raises:
        InputError: the command or the path cannot be used.
        ServiceError: it ended, or was not ready in time; nothing of it is left.
    """
    supervised, url = _launch(wanted, detach=True)
    try:
        yield _ready(supervised, wanted, url, progress)
        supervised.release()
    except BaseException:
        with undisturbed():
            supervised.end()
            shutil.rmtree(supervised.folder, ignore_errors=True)
        raise
    finally:
        supervised.forget()


def _launch(wanted: Wanted, *, detach: bool) -> tuple[Supervised, str]:
    check_address("http://127.0.0.1", wanted.ready)  # before anything is started
    return launch(wanted, detach=detach)


def _ready(supervised: Supervised, wanted: Wanted, url: str, progress: Callable[[str], None]) -> Preview:
    limit = time.monotonic() + SUPERVISOR_SECONDS
    while not supervised.events and not supervised.closed and time.monotonic() < limit:
        supervised.pause(0.5)
    address = check_address(url, wanted.ready)
    seconds, problem = wait_until_ready(address, wanted.timeout, supervised.pause, progress)
    log = supervised.folder / "log"
    if not problem:
        return Preview(url=url, pid=supervised.pid, log=log, seconds=seconds)
    tail = log_tail(log)
    shown = "".join(c if c.isprintable() else " " for c in wanted.command)[:200]
    late = problem.startswith("not ready")
    raise ServiceError(
        f"`{shown}` {'is ' if late else ''}{problem}; "
        + (f"the end of its log: {tail}" if tail else "its log is empty"),
        hint="give it more `timeout`, or another `ready` path" if late else "run it by hand, with a port for `{port}`",
        reason_code="service-not-ready",
    )
