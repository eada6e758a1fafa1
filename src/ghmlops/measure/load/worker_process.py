"""The generator processes as their parent sees them: starting them, receiving their messages, and ending them."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from ghmlops.core.errors import GhmlopsError
from ghmlops.core.load.arrivals import thin
from ghmlops.measure.load.merge_processes import concatenate
from ghmlops.measure.load.process_priority import SIGNALS
from ghmlops.measure.load.worker import WorkerResult, run_worker, tls_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnProcess

    import numpy as np
    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target

_EXIT_SECONDS = 5.0
"""Seconds that a process may take to exit before it is killed."""


class WorkerProcess:
    """A generator process: its responses that belong to no block yet, and its last messages.

    Attributes:
        number: Number of the process from 1, for messages.
        process: The process.
        pipe: The parent's end of the pipe.
        positions: Index in the whole schedule of each of its requests.
        parts: Responses of each arm that are not yet part of a block, as they were received.
        received: Number of responses received per arm.
        consumed: Number of responses per arm that are part of a block.
        sent: Number of requests it has sent per arm.
        ready: True once it waits for the start message.
        result: Its last message, once it has ended.
    """

    def __init__(
        self, number: int, process: SpawnProcess, pipe: Connection[Any, Any], positions: NDArray[np.int64]
    ) -> None:
        self.number, self.process, self.pipe, self.positions = number, process, pipe, positions
        self.parts: list[list[Answers]] = []
        self.received = self.consumed = self.sent = 0
        self.ready = False
        self.result: WorkerResult | None = None

    def read(self) -> None:
        """Receive one message.

        Raises:
            GhmlopsError: The process died, or ended with an error of the user.
            RuntimeError: A bug in the process.
        """
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(_EXIT_SECONDS)
            raise GhmlopsError(
                f"generator process {self.number} died (exit code {self.process.exitcode})",
                hint="the machine may be out of memory; set `latency.processes: 1`",
                reason_code="generator-died",
            ) from None
        if kind == "block":
            self.parts.append(value)
            self.received += len(value[0])
        elif kind == "sent":
            self.sent = value
        elif kind == "done":
            self.result = value
        elif kind == "ready":
            self.ready = True
        elif isinstance(value, GhmlopsError):
            raise value
        else:
            raise RuntimeError(f"generator process {self.number} failed:\n{value}")

    def take(self, count: int) -> list[Answers]:
        """Remove and return the next `count` responses of each arm."""
        arms = [concatenate([part[arm] for part in self.parts]) for arm in range(len(self.parts[0]))]
        self.parts = [[answers.part(count, len(answers)) for answers in arms]]
        self.consumed += count
        return [answers.part(0, count) for answers in arms]


@contextlib.contextmanager
def running_workers(load: Load, processes: int) -> Iterator[list[WorkerProcess]]:
    """Start the processes; on exit all of them are guaranteed to have ended."""
    spawn = multiprocessing.get_context("spawn")
    tls = [tls_settings(target) for target in load.targets]
    targets = [replace(target, tls=None) for target in load.targets]
    workers: list[WorkerProcess] = []
    try:
        for number in range(processes):
            share, positions = _share(load, targets, number, processes)
            parent_end, child_end = spawn.Pipe()
            process = spawn.Process(target=run_worker, args=(child_end, share, tls), daemon=True)
            worker = WorkerProcess(number + 1, process, parent_end, positions)
            with _signals_blocked():
                process.start()
            workers.append(worker)
            child_end.close()
        yield workers
    finally:
        _end(workers)


def _share(load: Load, targets: list[Target], number: int, processes: int) -> tuple[Load, NDArray[np.int64]]:
    """Return the requests of one process, and their indices in the whole schedule.

    Args:
        load: The requests of the run.
        targets: The targets without TLS contexts, which cannot be pickled.
        number: Number of the process from 0.
        processes: Number of processes.
    """
    times, positions = thin(load.times, number + 1, processes)
    indices = positions.tolist()
    share = replace(
        load,
        targets=targets,
        order=[load.order[index] for index in indices],
        times=times,
        warmup=int((positions < load.warmup).sum()),
        block=max(load.block // processes, 1),
        write_order=[load.write_order[index] for index in indices],
        connections=(load.connections + processes - 1 - number) // processes,
    )
    return share, positions


def _end(workers: list[WorkerProcess]) -> None:
    for worker in workers:
        if worker.result is None:
            worker.process.terminate()
    for worker in workers:
        worker.process.join(_EXIT_SECONDS)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.pipe.close()
        worker.process.close()


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while a process is started; it inherits the mask and unblocks them once it can end quietly.

    Otherwise Ctrl-C, which reaches all processes, would end a new one during an import, with a traceback.
    """
    resource_tracker.ensure_running()  # otherwise it is started together with the process and unblocks the signals
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)
