"""Runs one git process with a time limit and bounded output, and terminates it together with its helpers."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from ghmlops.core.errors import GitError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
        return process.returncode, bytes(stdout), bytes(stderr)


def _exchange(
    process: subprocess.Popen[bytes], data: bytes, deadline: float, max_output: int
) -> tuple[bytearray, bytearray]:
    """Write `data` to the process and read both outputs until they are closed.

    Raises:
        TimeoutError: The deadline passed.
        BufferError: An output is larger than `max_output` bytes.
    """
    stdout, stderr = bytearray(), bytearray()
    assert process.stdin is not None  # noqa: S101  (a pipe, like the outputs)
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    os.set_blocking(process.stdin.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, stdout)
        selector.register(process.stderr, selectors.EVENT_READ, stderr)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            for key, _ in selector.select(remaining):
                if key.fileobj is process.stdin:
                    data = _write_part(key.fd, data)
                    if not data:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif chunk := os.read(key.fd, _CHUNK):
                    key.data.extend(chunk)
                    if len(key.data) > max_output:
                        raise BufferError
                else:
                    selector.unregister(key.fileobj)
    return stdout, stderr


def _write_part(descriptor: int, data: bytes) -> bytes:
    """Write what the pipe accepts and return the rest; nothing is left if the process no longer reads."""
    try:
        return data[os.write(descriptor, data[:_CHUNK]) :]
    except BlockingIOError:
        return data
    except BrokenPipeError:
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
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_SECONDS)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # helpers that outlived git
