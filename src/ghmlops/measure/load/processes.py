"""Runs one generator process per core; each sends every N-th request of the schedule with its own engine.

The processes share no state. Each reports its responses through its own pipe, from a thread, so that a parent that is
busy judging delays no send. The parent starts the processes together, puts their responses into schedule order and
merges the recordings. The run ends with an error if a process dies.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
import time
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import numpy as np

from ghmlops.core.errors import GhmlopsError
from ghmlops.core.load.arrivals import thin
from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Recording
from ghmlops.measure.load.merge_processes import concatenate, interleave, merge_notes
from ghmlops.measure.load.process_priority import SIGNALS
from ghmlops.measure.load.worker import WorkerResult, run_worker, tls_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import SpawnProcess

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.measure.load.load import Load
    from ghmlops.measure.load.target import Target

    OnBlock = Callable[[Sequence[Answers]], bool]
    OnTick = Callable[[int, float], None]

_LEAD, _LEAD_PER_REQUEST = 0.5, 4e-6
"""Seconds from the start message to the start of the schedule, in which each process prepares its requests."""
_TICK = 0.1
_EXIT_SECONDS = 5.0


def run_processes(
    load: Load, processes: int, on_block: OnBlock, on_tick: OnTick = lambda _sent, _seconds: None
) -> Recording:
    """Run as `run_load` does, in several processes; connections are divided among them.

    Args:
        load: The requests to send; its targets are probed.
        processes: Maximum number of processes; there are never more than connections or judged requests.
        on_block: As for `run_load`; called in this process.
        on_tick: As for `run_load`; called in this process.

    Returns:
        As `run_load`; the notes also contain `processes`, and `start_skew`, the seconds between the first and the last
        start of a process.

    Raises:
        GhmlopsError: A process died, or ended with an error of the user.
        KeyboardInterrupt: A signal interrupted the run; every process is terminated.
        RuntimeError: A bug in a process; the message contains its traceback.
    """
    processes = min(processes, load.connections, len(load.times) - load.warmup)
    if processes <= 1:
        return run_load(load, on_block, on_tick)
    with _interrupt_on_signal(), _running_workers(load, processes) as workers:
        return _Coordinator(load, workers, on_block, on_tick).run()


class _Worker:
    """The parent's view of a process: the responses that belong to no block yet, and its last messages.

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


class _Coordinator:
    """Starts the processes together, and merges what they report."""

    def __init__(self, load: Load, workers: list[_Worker], on_block: OnBlock, on_tick: OnTick) -> None:
        self._load, self._workers, self._on_block, self._on_tick = load, workers, on_block, on_tick
        self._blocks: list[list[Answers]] = []
        self._next = load.warmup
        self._start = 0.0
        self._running = True

    def run(self) -> Recording:
        while not all(worker.ready for worker in self._workers):
            self._read()
        lead = _LEAD + _LEAD_PER_REQUEST * len(self._load.times)
        start = self._start = max(time.monotonic() + lead, self._load.start_at)
        self._send_all(start)
        while not all(worker.result for worker in self._workers):
            self._read()
            self._on_tick(sum(worker.sent for worker in self._workers), time.monotonic() - start)
            self._report_blocks()
        self._report_blocks()
        return self._recording()

    def _read(self) -> None:
        """Receive one message of each process that has one; wait up to a tick for the first."""
        running = {worker.pipe: worker for worker in self._workers if worker.result is None}
        for pipe in wait(list(running), _TICK):
            running[pipe].read()  # type: ignore[index]  # `wait` returns items of its argument

    def _send_all(self, message: float | str) -> None:
        for worker in self._workers:
            with contextlib.suppress(OSError):  # a dead process is reported when it is read
                worker.pipe.send(message)

    def _report_blocks(self) -> None:
        """Pass the blocks of the whole schedule to `on_block` that every process has completed its part of."""
        load, total = self._load, len(self._load.times)
        while self._running and self._next < total:
            start, stop = self._next, min(self._next + load.block, total)
            shares = [
                (worker, worker.positions[(worker.positions >= start) & (worker.positions < stop)])
                for worker in self._workers
            ]
            if any(worker.received - worker.consumed < len(positions) for worker, positions in shares):
                return
            parts = [(worker.take(len(positions)), positions - start) for worker, positions in shares if len(positions)]
            # A process that started late sent all of its requests late, measured by the common schedule.
            scheduled = load.times[start:stop] + self._start
            block = [
                replace(
                    interleave([answers[arm] for answers, _ in parts], [positions for _, positions in parts]),
                    scheduled=scheduled,
                )
                for arm in range(len(load.targets))
            ]
            self._blocks.append(block)
            self._next = stop
            if not self._on_block(block):
                self._running = False
                self._send_all("stop")

    def _recording(self) -> Recording:
        load, results = self._load, [worker.result for worker in self._workers if worker.result]
        if not self._blocks:
            raise RuntimeError("the generator processes ended without a block")
        dispatch_times = np.zeros(self._next - load.warmup)
        for worker, result in zip(self._workers, results, strict=True):
            judged = worker.positions[worker.positions >= load.warmup]
            inside = judged[judged < self._next]
            dispatch_times[inside - load.warmup] = result.dispatch_times[: len(inside)]
        starts = [result.start for result in results]
        notes = merge_notes([result.notes for result in results])
        return Recording(
            arms=tuple(concatenate([block[arm] for block in self._blocks]) for arm in range(len(load.targets))),
            dispatch_times=dispatch_times,
            examples=tuple(
                {kind: text for result in reversed(results) for kind, text in result.examples[arm].items()}
                for arm in range(len(load.targets))
            ),
            notes=notes | {"processes": len(results), "start_skew": max(starts) - min(starts)},
        )


@contextlib.contextmanager
def _running_workers(load: Load, processes: int) -> Iterator[list[_Worker]]:
    """Start the processes; on exit all of them are guaranteed to have ended."""
    spawn = multiprocessing.get_context("spawn")
    tls = [tls_settings(target) for target in load.targets]
    targets = [replace(target, tls=None) for target in load.targets]
    workers: list[_Worker] = []
    try:
        for number in range(processes):
            share, positions = _share(load, targets, number, processes)
            parent_end, child_end = spawn.Pipe()
            process = spawn.Process(target=run_worker, args=(child_end, share, tls), daemon=True)
            worker = _Worker(number + 1, process, parent_end, positions)
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


def _end(workers: list[_Worker]) -> None:
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


@contextlib.contextmanager
def _interrupt_on_signal() -> Iterator[None]:
    """Turn signals into KeyboardInterrupt, so that the generator processes are terminated first."""
    main = threading.current_thread() is threading.main_thread()

    def interrupt(_number: int, _frame: object) -> None:
        for number in SIGNALS:  # a second signal must not interrupt the clean-up
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in SIGNALS} if main else {}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
