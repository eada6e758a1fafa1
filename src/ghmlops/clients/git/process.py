"""Runs one git process with a time limit and bounded output, and terminates it together with its helpers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING

from ghmlops.core.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

MAX_OUTPUT_BYTES = 64 * 1024**2
"""Maximum bytes of standard output and of standard error, which are kept in memory."""
_GRACE_SECONDS = 5.0
_CHUNK = 64 * 1024


class OutputTooLarge(GitError):
    """git wrote more than may be kept in memory."""


def run_process(  # noqa: PLR0913  (the parts of one process)
    args: tuple[str, ...],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    stdin: bytes,
    timeout: float,
    max_output: int = MAX_OUTPUT_BYTES,
) -> tuple[int, bytes, bytes]:
    """Run `git` with `args` and return its exit code, standard output and standard error.

    Args:
        args: Arguments; the first one is the subcommand.
        cwd: Folder to run in.
        environ: All variables of the process.
        stdin: Bytes for its standard input.
        timeout: Maximum run time in seconds.
        max_output: Maximum bytes per output stream.

    Raises:
        GitError: git is not installed, or did not finish in time.
        OutputTooLarge: git wrote more than `max_output` bytes.
    """
    with _started(args, cwd, environ) as process:
        deadline = time.monotonic() + timeout
        try:
            stdout, stderr = _exchange(process, stdin, deadline, max_output)
            process.wait(max(0.0, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise GitError(
                f"`git {args[0]}` did not finish within {timeout:g} s", hint="is the remote reachable?"
            ) from None
        except BufferError:
            raise OutputTooLarge(
                f"`git {args[0]}` wrote more than {max_output:,} bytes", hint="run it by hand to see what it lists"
            ) from None
        return process.returncode, stdout, stderr


def _exchange(process: subprocess.Popen[bytes], data: bytes, deadline: float, max_output: int) -> tuple[bytes, bytes]:
    """Write `data` to the process and read both outputs until they are closed.

    Raises:
        TimeoutError: The deadline passed.
        BufferError: An output is larger than `max_output` bytes.
    """
    assert process.stdin is not None  # noqa: S101  (a pipe, like the outputs)
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    stdin, stop = process.stdin, threading.Event()
    tasks: tuple[Callable[[], bytes], ...] = (
        partial(_read, process.stdout.fileno(), max_output, stop),
        partial(_read, process.stderr.fileno(), max_output, stop),
        partial(_write, stdin, data, stop),
    )
    results: SimpleQueue[tuple[int, bytes | Exception]] = SimpleQueue()
    for number, task in enumerate(tasks):
        # Threads, because Windows cannot wait for several pipes at once.
        threading.Thread(target=_put_result, args=(results, number, task), daemon=True).start()
    parts: dict[int, bytes] = {}
    try:
        while len(parts) < len(tasks):
            number, result = results.get(timeout=max(0.0, deadline - time.monotonic()))
            if isinstance(result, Exception):
                raise result
            parts[number] = result
    except Empty:
        raise TimeoutError from None
    finally:
        stop.set()
    return parts[0], parts[1]


def _put_result(results: SimpleQueue[tuple[int, bytes | Exception]], number: int, task: Callable[[], bytes]) -> None:
    try:
        results.put((number, task()))
    except (BufferError, OSError) as error:
        results.put((number, error))


def _read(descriptor: int, max_output: int, stop: threading.Event) -> bytes:
    """Read a pipe to its end.

    Raises:
        BufferError: It holds more than `max_output` bytes.
    """
    data = bytearray()
    while not stop.is_set() and (chunk := os.read(descriptor, _CHUNK)):
        data.extend(chunk)
        if len(data) > max_output:
            raise BufferError
    return bytes(data)


def _write(pipe: IO[bytes], data: bytes, stop: threading.Event) -> bytes:
    """Write `data` and close the pipe; return nothing. A process that does not read its input is no error."""
    rest = memoryview(data)
    with contextlib.suppress(BrokenPipeError, *([OSError] if os.name == "nt" else [])):  # Windows: EINVAL
        while rest and not stop.is_set():
            rest = rest[os.write(pipe.fileno(), rest[:_CHUNK]) :]
    pipe.close()
    return b""


@contextlib.contextmanager
def _started(args: tuple[str, ...], cwd: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(
            ["git", *args],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A separate session: its transport helpers can be terminated with it, and it has no terminal to ask on.
            start_new_session=True,
        )
    except FileNotFoundError:
        raise GitError("git is not installed", hint="install git 2.30 or newer") from None
    except OSError as error:
        raise GitError(f"git cannot be started in {cwd}: {error.strerror}", hint="check the folder") from None
    with process:
        try:
            yield process
        except BaseException:
            _terminate_group(process)
            raise


def _terminate_group(process: subprocess.Popen[bytes]) -> None:
    """Terminate git and its helpers; SIGTERM comes first, so that git removes its lock files."""
    if not hasattr(os, "killpg"):  # Windows, where `git.exe` may be a wrapper of the process that holds the pipes
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
        process.kill()
        return
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # helpers that outlived git
