"""A generator process: makes its engine, waits for the common start, sends, and tells its parent through a pipe.

What it tells goes out from a thread, so that a parent that is busy judging delays no send.
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

    from ghmlops.core.latency.answers import Answers, Kind
    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target

    Outbox = queue.SimpleQueue[tuple[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What makes a TLS context again in another process: a context itself cannot be sent."""

    authorities: bytes
    flags: ssl.VerifyFlags
    oldest: ssl.TLSVersion

    def context(self) -> ssl.SSLContext:
        """Return a context that verifies host and certificate, and trusts these authorities only."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and trusts nothing yet
        made.verify_flags, made.minimum_version = self.flags, self.oldest
        if self.authorities:
            made.load_verify_locations(cadata=self.authorities)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The last message of a process. `begin`: when its schedule began."""

    begin: float
    dispatched: NDArray[np.float64]
    examples: tuple[dict[Kind, str], ...]
    notes: dict[str, Any]


def trust_of(target: Target) -> Trust | None:
    """Return what the target's context trusts; authorities of a folder are known once the probe has used them."""
    if target.tls is None:
        return None
    return Trust(
        authorities=b"".join(target.tls.get_ca_certs(binary_form=True)),
        flags=target.tls.verify_flags,
        oldest=target.tls.minimum_version,
    )


def work(pipe: Connection[Any, Any], load: Load, trusts: list[Trust | None]) -> None:
    """Be a generator process: wait for the common start, send, tell."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    outbox: Outbox = queue.SimpleQueue()
    teller = threading.Thread(target=_tell_all, args=(pipe, outbox), daemon=True)
    teller.start()
    try:
        outbox.put(("done", _send(pipe, load, trusts, outbox)))
    except (KeyboardInterrupt, EOFError):
        return  # the parent ends the run, or has ended
    except GhmlopsError as error:
        outbox.put(("failed", error))
    except Exception:  # noqa: BLE001  (told to the parent, which raises it)
        outbox.put(("failed", traceback.format_exc()))
    outbox.put(None)
    teller.join()


def _send(
    pipe: Connection[Any, Any],
    load: Load,
    trusts: list[Trust | None],
    outbox: Outbox,
) -> Done:
    targets = [
        replace(t, tls=trust.context() if trust else None) for t, trust in zip(load.targets, trusts, strict=True)
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
            except (EOFError, OSError):  # nobody is left to tell
                os.kill(os.getpid(), signal.SIGTERM)

    outbox.put(("ready", None))
    found = run_load(replace(load, targets=targets, begin=float(pipe.recv())), on_block, on_tick)
    begin = float(found.arms[0].scheduled[0] - load.times[load.warmup])
    return Done(begin=begin, dispatched=found.dispatched, examples=found.examples, notes=found.notes)


def _tell_all(pipe: Connection[Any, Any], outbox: Outbox) -> None:
    with contextlib.suppress(OSError):  # the parent has gone, which the sending side finds out
        while (message := outbox.get()) is not None:
            pipe.send(message)
