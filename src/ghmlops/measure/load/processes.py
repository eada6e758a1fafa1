"""Runs one generator process per core; each sends every N-th request of the schedule with its own engine.

The processes share no state. Each reports its responses through its own pipe, from a thread, so that a parent that is
busy judging delays no send. The parent starts the processes together, puts their responses into schedule order and
merges the recordings. The run ends with an error if a process dies.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.measure.load.engine import run_load
from ghmlops.measure.load.load import Recording
from ghmlops.measure.load.merge_processes import concatenate, interleave, merge_notes
from ghmlops.measure.load.process_priority import SIGNALS
from ghmlops.measure.load.worker_process import WorkerProcess, running_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ghmlops.core.latency.answers import Answers
    from ghmlops.measure.load.load import Load

    OnBlock = Callable[[Sequence[Answers]], bool]
    OnTick = Callable[[int, float], None]

_LEAD, _LEAD_PER_REQUEST = 0.5, 4e-6
"""Seconds from the start message to the start of the schedule, in which each process prepares its requests."""
_TICK = 0.1
"""Seconds to wait for a message of a process."""


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
    with _interrupt_on_signal(), running_workers(load, processes) as workers:
        return _Coordinator(load, workers, on_block, on_tick).run()


class _Coordinator:
    """Starts the processes together, and merges what they report."""

    def __init__(self, load: Load, workers: list[WorkerProcess], on_block: OnBlock, on_tick: OnTick) -> None:
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
