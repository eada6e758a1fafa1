"""A generator process: builds its engine, waits for the common start, sends, and reports to its parent through a pipe.

A separate thread writes to the pipe, so that a parent that is busy judging does not delay sends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import ssl
import threading
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import GhmlopsError
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.process_priority import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.core.latency.kind import Kind
    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target

    Outbox = queue.SimpleQueue[tuple[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Settings from which another process recreates a TLS context, which itself cannot be pickled."""

    authorities: bytes
    flags: ssl.VerifyFlags
    minimum_version: ssl.TLSVersion
    client_certificate: str = ""

    def create_context(self) -> ssl.SSLContext:
        """Return a context that verifies host name and certificate, and trusts only these authorities."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and trusts no authority yet
        context.verify_flags, context.minimum_version = self.flags, self.minimum_version
        if self.authorities:
            context.load_verify_locations(cadata=self.authorities)
        if self.client_certificate:
            context.load_cert_chain(self.client_certificate)
        return context


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResult:
    """The last message of a generator process.

    Attributes:
        start: Time of `time.monotonic` at which its schedule started.
        dispatch_times: As in `Recording`.
        examples: As in `Recording`.
        notes: As in `Recording`.
    """

    start: float
    dispatch_times: NDArray[np.float64]
    examples: tuple[dict[Kind, str], ...]
    notes: dict[str, Any]


def tls_settings(target: Target) -> TlsSettings | None:
    """Return the settings of the target's context; `None` for http.

    Authorities of a folder are loaded on first use, so that they are included only after the probe.
    """
    if target.tls is None:
        return None
    return TlsSettings(
        authorities=b"".join(target.tls.get_ca_certs(binary_form=True)),
        flags=target.tls.verify_flags,
        minimum_version=target.tls.minimum_version,
        client_certificate=target.client_certificate,
    )


def run_worker(pipe: Connection[Any, Any], load: Load, tls: list[TlsSettings | None]) -> None:
    """Run a generator process, from its start to its last message.

    Args:
        pipe: Connection to the parent.
        load: The requests of this process; its targets have no TLS context.
        tls: TLS settings of each target.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the parent, which terminates this process
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    outbox: Outbox = queue.SimpleQueue()
    sender = threading.Thread(target=_send_messages, args=(pipe, outbox), daemon=True)
    sender.start()
    try:
        outbox.put(("done", _run(pipe, load, tls, outbox)))
    except (KeyboardInterrupt, EOFError):
        return  # the parent ends the run, or has exited
    except GhmlopsError as error:
        outbox.put(("failed", error))
    except Exception:  # noqa: BLE001  (sent to the parent, which raises it)
        outbox.put(("failed", traceback.format_exc()))
    outbox.put(None)
    sender.join()


def _run(
    pipe: Connection[Any, Any],
    load: Load,
    tls: list[TlsSettings | None],
    outbox: Outbox,
) -> WorkerResult:
    targets = [
        replace(target, tls=settings.create_context() if settings else None)
        for target, settings in zip(load.targets, tls, strict=True)
    ]
    stopped = False

    def on_block(answers: Sequence[Answers]) -> bool:
        outbox.put(("block", list(answers)))
        return not stopped

    def on_tick(sent: int, _seconds: float) -> None:
        nonlocal stopped
        outbox.put(("sent", sent))
        if pipe.poll():
            try:
                pipe.recv()
                stopped = True
            except (EOFError, OSError):  # the parent has exited
                os.kill(os.getpid(), signal.SIGTERM)

    outbox.put(("ready", None))
    recording = run_load(replace(load, targets=targets, start_at=float(pipe.recv())), on_block, on_tick)
    start = float(recording.arms[0].scheduled[0] - load.times[load.warmup])
    return WorkerResult(
        start=start,
        dispatch_times=recording.dispatch_times,
        examples=recording.examples,
        notes=recording.notes,
    )


def _send_messages(pipe: Connection[Any, Any], outbox: Outbox) -> None:
    with contextlib.suppress(OSError):  # the parent has exited; `on_tick` detects that
        while (message := outbox.get()) is not None:
            pipe.send(message)
