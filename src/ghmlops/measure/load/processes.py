"""One generator process a core. Each sends every N-th request of the schedule by an engine of its own.

Nothing is shared: each process tells its answers through a pipe of its own, from a thread, so that a parent that is
busy judging delays no send. The parent starts them together, puts their answers into the order of the schedule and
merges. A process that dies ends the run as an error.
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
from ghmlops.measure.load.merge_processes import join, merge_notes, weave
from ghmlops.measure.load.process_priority import SIGNALS
from ghmlops.measure.load.worker import Done, trust_of, work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.context import SpawnProcess

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers
    from ghmlops.measure.load.load import Load

    OnBlock = Callable[[Sequence[Answers]], bool]
    OnTick = Callable[[int, float], None]

_LEAD, _LEAD_A_REQUEST = 0.5, 4e-6
"""Seconds from the word to start to second 0 of the schedule: each process makes its requests ready in them."""
_TICK = 0.1
_END_SECONDS = 5.0


def run_processes(
    load: Load, processes: int, on_block: OnBlock, on_tick: OnTick = lambda _sent, _seconds: None
) -> Recording:
    """Run as `run_load` does, by several processes; connections are shared out among them.

    Args:
        load: what to send, its targets probed.
        processes: at most this many; never more than connections or judged requests.
        on_block: as for `run_load`, in this process.
        on_tick: as for `run_load`, in this process.

    Returns:
        as `run_load`; the notes tell `processes`, and `start_skew`, the seconds between the first and the last start.

    Raises:
        GhmlopsError: a process died, or ended with an error of the user's.
        KeyboardInterrupt: a signal asked to stop; every process is ended.
        RuntimeError: a bug in a process; its traceback is in the message.
    """
    processes = min(processes, load.connections, len(load.times) - load.warmup)
    if processes <= 1:
        return run_load(load, on_block, on_tick)
    with _signals_interrupt(), _started(load, processes) as workers:
        return _Parent(load, workers, on_block, on_tick).run()


class _Worker:
    """A process as its parent sees it: its answers that are not yet in a block, and what it told last."""

    def __init__(
        self, number: int, process: SpawnProcess, pipe: Connection[Any, Any], places: NDArray[np.int64]
    ) -> None:
        self.number, self.process, self.pipe, self.places = number, process, pipe, places
        self.parts: list[list[Answers]] = []
        self.ended = self.taken = self.sent = 0
        self.ready = False
        self.done: Done | None = None

    def read(self) -> None:
        """Take what has arrived.

        Raises:
            GhmlopsError: the process died or failed.
        """
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(_END_SECONDS)
            raise GhmlopsError(
                f"generator process {self.number} died (exit code {self.process.exitcode})",
                hint="is there memory enough? Set `latency.processes: 1`",
                reason_code="generator-died",
            ) from None
        if kind == "block":
            self.parts.append(value)
            self.ended += len(value[0])
        elif kind == "sent":
            self.sent = value
        elif kind == "done":
            self.done = value
        elif kind == "ready":
            self.ready = True
        elif isinstance(value, GhmlopsError):
            raise value
        else:
            raise RuntimeError(f"generator process {self.number} failed:\n{value}")

    def take(self, count: int) -> list[Answers]:
        """Return each arm's next `count` answers."""
        arms = [join([part[arm] for part in self.parts]) for arm in range(len(self.parts[0]))]
        self.parts = [[answers.part(count, len(answers)) for answers in arms]]
        self.taken += count
        return [answers.part(0, count) for answers in arms]


class _Parent:
    def __init__(self, load: Load, workers: list[_Worker], on_block: OnBlock, on_tick: OnTick) -> None:
        self._load, self._workers, self._on_block, self._on_tick = load, workers, on_block, on_tick
        self._blocks: list[list[Answers]] = []
        self._next = load.warmup
        self._start = 0.0
        self._more = True

    def run(self) -> Recording:
        while not all(worker.ready for worker in self._workers):
            self._read()
        lead = _LEAD + _LEAD_A_REQUEST * len(self._load.times)
        start = self._start = max(time.monotonic() + lead, self._load.begin)
        self._tell(start)
        while not all(worker.done for worker in self._workers):
            self._read()
            self._on_tick(sum(worker.sent for worker in self._workers), time.monotonic() - start)
            self._report()
        self._report()
        return self._recording()

    def _read(self) -> None:
        """Take a message of each process that has one, or wait a little."""
        waiting = {worker.pipe: worker for worker in self._workers if worker.done is None}
        for pipe in wait(list(waiting), _TICK):
            waiting[pipe].read()  # type: ignore[index]  # wait gives back what it was given

    def _tell(self, word: float | str) -> None:
        for worker in self._workers:
            with contextlib.suppress(OSError):  # one that died is found when it is read
                worker.pipe.send(word)

    def _report(self) -> None:
        """Hand over the blocks of the whole schedule that every process has completed its part of."""
        load, total = self._load, len(self._load.times)
        while self._more and self._next < total:
            start, stop = self._next, min(self._next + load.block, total)
            parts = [
                (worker, worker.places[(worker.places >= start) & (worker.places < stop)]) for worker in self._workers
            ]
            if any(worker.ended - worker.taken < len(places) for worker, places in parts):
                return
            taken = [(worker.take(len(places)), places - start) for worker, places in parts if len(places)]
            # A process that started late was late with all of its sends: the schedule is the common one.
            due = load.times[start:stop] + self._start
            block = [
                replace(weave([answers[arm] for answers, _ in taken], [places for _, places in taken]), scheduled=due)
                for arm in range(len(load.targets))
            ]
            self._blocks.append(block)
            self._next = stop
            if not self._on_block(block):
                self._more = False
                self._tell("stop")

    def _recording(self) -> Recording:
        load, done = self._load, [worker.done for worker in self._workers if worker.done]
        if not self._blocks:
            raise RuntimeError("the generator processes ended without a block")
        dispatched = np.zeros(self._next - load.warmup)
        for worker, told in zip(self._workers, done, strict=True):
            judged = worker.places[worker.places >= load.warmup]
            inside = judged[judged < self._next]
            dispatched[inside - load.warmup] = told.dispatched[: len(inside)]
        begins = [told.begin for told in done]
        notes = merge_notes([told.notes for told in done])
        return Recording(
            arms=tuple(join([block[arm] for block in self._blocks]) for arm in range(len(load.targets))),
            dispatched=dispatched,
            examples=tuple(
                {kind: text for told in reversed(done) for kind, text in told.examples[arm].items()}
                for arm in range(len(load.targets))
            ),
            notes=notes | {"processes": len(done), "start_skew": max(begins) - min(begins)},
        )


@contextlib.contextmanager
def _started(load: Load, processes: int) -> Iterator[list[_Worker]]:
    """Start the processes; on leaving none of them is left, however it is left."""
    spawn = multiprocessing.get_context("spawn")
    trusts = [trust_of(target) for target in load.targets]
    plain = [replace(target, tls=None) for target in load.targets]
    workers: list[_Worker] = []
    try:
        for k in range(processes):
            times, places = thin(load.times, k + 1, processes)
            part = replace(
                load,
                targets=plain,
                order=[load.order[i] for i in places.tolist()],
                times=times,
                warmup=int((places < load.warmup).sum()),
                block=max(load.block // processes, 1),
                second_first=[load.second_first[i] for i in places.tolist()],
                connections=(load.connections + processes - 1 - k) // processes,
            )
            mine, theirs = spawn.Pipe()
            process = spawn.Process(target=work, args=(theirs, part, trusts), daemon=True)
            worker = _Worker(k + 1, process, mine, places)
            with _signals_wait():
                process.start()
            workers.append(worker)
            theirs.close()
        yield workers
    finally:
        for worker in workers:
            if worker.done is None:
                worker.process.terminate()
        for worker in workers:
            worker.process.join(_END_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
            worker.process.close()


@contextlib.contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold signals back; a process that is started meanwhile begins so, and lets them in once it can end quietly.

    Otherwise Ctrl-C, which goes to all of them, ends one within an import, with a traceback.
    """
    resource_tracker.ensure_running()  # or else it starts with the process, and lets the signals in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let the signals that end a program end its generator processes first."""
    main = threading.current_thread() is threading.main_thread()

    def interrupt(_number: int, _frame: object) -> None:
        for number in SIGNALS:  # a second one must not break the clean-up
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS} if main else {}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
