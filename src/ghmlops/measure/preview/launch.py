"""Starting a supervisor with its order, and talking to it."""

from __future__ import annotations

import contextlib
import json
import os
import re
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

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "ghmlops-preview-"
MODULE = "ghmlops.measure.preview.supervisor"
GRACE = 5.0
"""Seconds a service has to end by itself after SIGTERM."""
LONGEST = 24 * 3600.0
TAIL_LINES, TAIL_CHARACTERS = 20, 2000
_WITHHELD = re.compile(
    r"GHMLOPS_.*|INPUT_.*|GITHUB_(TOKEN|OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)|GH_TOKEN"
    r"|ACTIONS_(RUNTIME|ID_TOKEN|CACHE|RESULTS)_.*"
)
"""Variables that the code of a pull request must not get: tokens, and the files by which a step talks to the runner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A service to start."""

    command: str
    """Words as in a shell, split without one; `{port}` becomes a free port, which PORT holds too."""
    cwd: Path
    environ: Mapping[str, str]
    """Its variables; tokens and the runner's files are left out."""
    ready: str = "/"
    """Path that answers 2xx when it is ready."""
    timeout: float = 60.0
    """Seconds until it must be ready."""
    temp: str = ""
    """Folder for temporary files; the system's where empty."""
    lifetime: float = LONGEST
    """Seconds after which it is ended."""
    grace: float = GRACE
    """Seconds between SIGTERM and SIGKILL."""
    watch: int | None = None
    """Process whose end ends it."""


@dataclass(slots=True, kw_only=True)
class Supervised:
    """A supervisor as its starter sees it."""

    process: subprocess.Popen[bytes]
    folder: Path
    pid: int = 0
    rest: bytes = b""
    events: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False

    def pause(self, seconds: float) -> str:
        """Wait for news at most `seconds`; return why the service is gone, or nothing."""
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

    def release(self) -> None:
        """Let it live on without us."""
        if self.process.stdin is not None:
            self.process.stdin.write(b"release\n")
            self.process.stdin.flush()

    def end(self) -> None:
        """Ask for the end, and wait until nothing is left; the end of its output is the end of the supervisor."""
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        limit = time.monotonic() + GRACE + 20.0
        while not self.closed and time.monotonic() < limit:
            self._read(0.5)
        if not self.closed and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def forget(self) -> None:
        """Close our ends of the pipes and collect the process that we started."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.process.wait()


def launch(wanted: Wanted, *, detach: bool) -> tuple[Supervised, str]:
    """Start the supervisor of a service; return it, and the address the service will have.

    Raises:
        InputError: the command cannot be used, or there is no place for its log.
    """
    port = free_port()
    given = service_environment(wanted.environ, port)
    order = {
        "words": words_of(wanted.command, port),
        "cwd": str(wanted.cwd),
        "environ": given,
        "lifetime": wanted.lifetime,
        "grace": wanted.grace,
        "watch": wanted.watch,
    }
    folder = _folder(wanted.temp)
    own = {k: v for k, v in given.items() if not k.startswith("PYTHON")}
    own["PYTHONPATH"] = str(Path(ghmlops.__file__).parents[1])
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            # -P: nothing of the user's repository is imported by the supervisor.
            [sys.executable, "-P", "-m", MODULE, str(folder), *(["--detach"] if detach else [])],
            cwd="/",
            env=own,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    supervised = Supervised(process=process, folder=folder)
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it died at once: `pause` tells
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            process.stdin.flush()
    return supervised, f"http://127.0.0.1:{port}"


def words_of(command: str, port: int) -> list[str]:
    """Split a command into words without a shell, then put in the port.

    Raises:
        InputError: it is empty, a quotation is not closed, or there is no `{port}`.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"input `command`: {error}: {command!r}", hint="close the quotation") from None
    if not words or "\x00" in command:
        raise InputError("input `command` is empty", hint='--command "python serve.py --port {port}"')
    if not any("{port}" in word for word in words):
        raise InputError(
            "input `command` has no `{port}`", hint="the service must listen where it is told: add `--port {port}`"
        )
    return [word.replace("{port}", str(port)) for word in words]


def service_environment(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """Return the variables of a service: the step's own, without what gives power over the run; and PORT."""
    return {k: v for k, v in environ.items() if not _WITHHELD.fullmatch(k)} | {"PORT": str(port)}


def free_port() -> int:
    """Return a port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_tail(log: Path) -> str:
    """Return the last lines of a log on one printable line; what a runner could take for a command is broken up."""
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


def _folder(temp: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=temp or None))
    except OSError as error:
        raise InputError(f"no temporary folder: {error.strerror}", hint="set RUNNER_TEMP or TMPDIR") from None


def _exit_text(status: int) -> str:
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
