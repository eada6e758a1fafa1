"""Starts the supervisor of a service and communicates with it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import ghmlops
from ghmlops.core.errors import InputError
from ghmlops.core.text.secret_variables import without_secrets
from ghmlops.measure.machine import require_linux

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "ghmlops-preview-"
MODULE = "ghmlops.measure.preview.supervisor"
GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
MAX_LIFETIME = 24 * 3600.0
"""Seconds after which a service is terminated at the latest."""
TAIL_LINES, TAIL_CHARACTERS = 20, 2000
"""Maximum length of the end of a log in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """How to start a service, and when to terminate it.

    Attributes:
        command: Command line, split into words as by a shell, but without one; `{port}` becomes a free port.
        cwd: Working directory.
        environ: Environment; tokens and the files of the runner are removed, and `PORT` is set to the port.
        ready: Path that answers with a 2xx status when the service is ready.
        timeout: Maximum time until it is ready, in seconds.
        headers: Headers of the readiness probe.
        contains: Text that its answer must contain.
        answers: Number of good answers in a row after which the service is ready.
        temp: Parent folder of temporary files; empty for the default of the system.
        lifetime: Time after which the service is terminated, in seconds.
        grace: Time between SIGTERM and SIGKILL, in seconds.
        watch: Id of a process whose end terminates the service; `None` for no such process.
    """

    command: str
    cwd: Path
    environ: Mapping[str, str]
    ready: str = "/"
    timeout: float = 60.0
    headers: Mapping[str, str] = field(default_factory=dict)
    contains: str = ""
    answers: int = 1
    temp: str = ""
    lifetime: float = MAX_LIFETIME
    grace: float = GRACE
    watch: int | None = None


@dataclass(slots=True, kw_only=True)
class SupervisorHandle:
    """A supervisor as seen by the process that started it.

    Attributes:
        process: The process that was started; a detached supervisor is its child.
        folder: Folder of the log and the state of the service.
        pid: Process id of the supervisor; 0 until the service was started.
        rest: Output that is not a complete line yet.
        events: Events that the supervisor reported.
        closed: Whether the output has ended, and with it the supervisor.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    pid: int = 0
    rest: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    def poll(self, seconds: float) -> str:
        """Wait for events for at most `seconds`.

        Returns:
            A clause that states why the service no longer runs; empty if it runs.
        """
        self._read(seconds)
        for event in self.events:
            if event["event"] == "failed":
                return f"could not be started: {event['why']}"
            if event["event"] == "exited":
                return f"{_exit_text(event['status'])} before it was ready"
        return "lost its supervisor" if self.closed else ""

    def _read(self, seconds: float) -> None:
        stream = self.process.stdout
        if stream is None or self.closed or not select.select([stream], [], [], seconds)[0]:
            return
        data = os.read(stream.fileno(), 65536)
        self.closed = not data
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.events += [json.loads(line) for line in lines]
        self.pid = next((event["pid"] for event in self.events if event["event"] == "started"), self.pid)

    def send(self, request: Mapping[str, object]) -> None:
        """Send the launch request."""
        if self.process.stdin is not None:
            # A supervisor that died at once closes the pipe; `poll` reports it.
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(msgspec.json.encode(request) + b"\n")
                self.process.stdin.flush()

    def release(self) -> None:
        """Let the service outlive this process."""
        if self.process.stdin is not None:
            self.process.stdin.write(b"release\n")
            self.process.stdin.flush()

    def terminate(self) -> None:
        """Terminate the service, and wait until its process tree has ended and the supervisor has closed its output."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        limit = time.monotonic() + GRACE + 20.0
        while not self.closed and time.monotonic() < limit:
            self._read(0.5)
        if not self.closed and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close this side of the pipes and reap the process that was started."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.process.wait()


def launch(spec: ServiceSpec, *, detach: bool) -> tuple[SupervisorHandle, str]:
    """Start the supervisor of a service, and request the start of the service.

    Args:
        spec: The service.
        detach: Whether the supervisor can outlive this process.

    Returns:
        The supervisor, and the URL that the service will have.

    Raises:
        InputError: The command is malformed, no temporary folder can be created, or this system is not supported.
    """
    require_linux("the preview of a service")
    port = free_port()
    environ = service_environment(spec.environ, port)
    request = {
        "words": split_command(spec.command, port),
        "cwd": str(spec.cwd),
        "environ": environ,
        "lifetime": spec.lifetime,
        "grace": spec.grace,
        "watch": spec.watch,
    }
    supervisor = start_supervisor(_create_folder(spec.temp), environ, detach=detach)
    supervisor.send(request)
    return supervisor, f"http://127.0.0.1:{port}"


def start_supervisor(folder: Path, environ: Mapping[str, str], *, detach: bool = False) -> SupervisorHandle:
    """Start a supervisor whose log and state are in `folder`; it waits for a launch request."""
    isolated = {name: value for name, value in environ.items() if not name.startswith("PYTHON")}
    isolated["PYTHONPATH"] = str(Path(ghmlops.__file__).parents[1])
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            # -P: the supervisor imports no module of the user's repository.
            [sys.executable, "-P", "-m", MODULE, str(folder), *(["--detach"] if detach else [])],
            cwd="/",
            env=isolated,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    return SupervisorHandle(process=process, folder=folder)


def split_command(command: str, port: int) -> list[str]:
    """Split a command into words without a shell, and insert the port.

    Raises:
        InputError: The command is empty, has an unclosed quotation, or lacks `{port}`.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"input `command`: {error}: {command!r}", hint="close the quotation") from None
    if not words or "\x00" in command:
        raise InputError("input `command` is empty", hint='--command "python serve.py --port {port}"')
    if not any("{port}" in word for word in words):
        raise InputError(
            "input `command` has no `{port}`",
            hint="the service must listen on the port that it is assigned: add `--port {port}`",
        )
    return [word.replace("{port}", str(port)) for word in words]


def service_environment(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """Return the environment of the step without tokens and the files of the runner, and with PORT."""
    return without_secrets(environ) | {"PORT": str(port)}


def free_port() -> int:
    """Return a TCP port on which nothing listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_tail(log: Path) -> str:
    """Return the last lines of a log as one printable line that contains no command for the runner."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 65536))
            data = stream.read(65536)
    except OSError:
        return ""
    lines = [line.strip() for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    text = " | ".join(lines[-TAIL_LINES:])
    text = "".join(c if c.isprintable() else " " for c in text).replace("##[", "## [")
    return text if len(text) <= TAIL_CHARACTERS else "…" + text[-TAIL_CHARACTERS:]


def _create_folder(temp: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=temp or None))
    except OSError as error:
        raise InputError(
            f"no temporary folder can be created: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR"
        ) from None


def _exit_text(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
