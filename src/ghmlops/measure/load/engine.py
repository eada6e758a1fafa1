"""The run itself: sends at the scheduled times, whatever the answers do, to one arm or to two at once."""

from __future__ import annotations

import asyncio
import threading
from array import array
from bisect import bisect_right
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import uvloop

from ghmlops.core.latency.answers import Answers
from ghmlops.measure.load.arm import PENDING, Arm
from ghmlops.measure.load.load import MAX_REQUESTS, MAX_SECONDS, Load, Recording
from ghmlops.measure.load.process_priority import SIGNALS, quiet_process
from ghmlops.measure.load.timer import SendTimer, early

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


GRACE = 5.0
"""Seconds after the last time-out at which a run that has not ended is ended."""
_BURST = 64
_BACKLOG = 4096
_LEAD = 0.05
_TICK = 0.02


def run_load(
    load: Load,
    on_block: Callable[[Sequence[Answers]], bool],
    on_tick: Callable[[int, float], None] = lambda _sent, _seconds: None,
) -> Recording:
    """Run to the end of the schedule, or until `on_block` says that it has seen enough.

    Args:
        load: what to send.
        on_block: called with each arm's answers to each block, in order, once all of them have ended; False stops.
        on_tick: called now and then with the number of requests sent an arm and the seconds since the begin.

    Raises:
        KeyboardInterrupt: a signal asked to stop; every connection is closed.
        ValueError: more requests or seconds than the hard caps (a bug: the caller has checked them).
    """
    if not load.warmup < len(load.times) <= MAX_REQUESTS or load.times[-1] > MAX_SECONDS:
        raise ValueError("empty schedule, or one above the hard caps")
    engine = _Engine(load, on_block, on_tick)
    with (
        quiet_process(load.rate) as priority,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(engine.run())
    if engine.interrupted:
        raise KeyboardInterrupt
    return engine.recording(priority)


class _Engine:
    __slots__ = (
        "_arms", "_end", "_finished", "_load", "_next", "_next_block", "_on_block", "_on_tick",
        "_scheduled", "_start", "_timer", "_times", "_write_order", "dispatched", "interrupted",
    )  # fmt: skip

    def __init__(
        self,
        load: Load,
        on_block: Callable[[Sequence[Answers]], bool],
        on_tick: Callable[[int, float], None],
    ) -> None:
        self._load, self._on_block, self._on_tick = load, on_block, on_tick
        self._arms = [Arm(load, target) for target in load.targets]
        self._write_order = np.asarray(load.second_first, np.uint8).tobytes()
        self._next = self._next_block = 0
        self.dispatched = array("d", bytes(8 * len(load.times)))
        self.interrupted = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = loop.create_future()
        loop.set_exception_handler(self._crashed)
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                loop.add_signal_handler(number, self._interrupt)
        self._start = max(monotonic() + _LEAD, self._load.begin)
        self._scheduled = self._load.times + self._start
        self._times = array("d", self._scheduled.tobytes())
        self._end = self._times[-1] + self._load.timeout + GRACE
        self._timer = SendTimer(loop, self._send_due, early(self._load.rate))
        self._timer.set_for(self._times[0])
        ticking = loop.call_later(_TICK, self._tick)
        try:
            await self._finished
        finally:
            ticking.cancel()
            self._timer.close()
            for arm in self._arms:
                await arm.stop()
            await asyncio.sleep(0)  # the loop's turn in which connections are closed

    def _send_due(self) -> None:
        """Send every request whose time has come; a few at a time, so that answers are read in between."""
        index, times = self._next, self._times
        if all(arm.full for arm in self._arms):
            index = self._backlog(monotonic())
        else:
            last = min(len(times), index + _BURST)
            now = self._timer.awaited(times[index])
            while index < last and times[index] <= now:
                self.dispatched[index] = now
                self._offer(index)
                index += 1
                now = monotonic()
        self._next = index
        if index < len(times):
            self._timer.set_for(times[index])
        else:
            self._timer.close()

    def _offer(self, index: int) -> None:
        arms = self._arms
        if len(arms) == 1:
            arms[0].offer(index)
        elif self._write_order[index]:
            arms[1].offer(index)
            arms[0].offer(index)
        else:
            arms[0].offer(index)
            arms[1].offer(index)

    def _backlog(self, now: float) -> int:
        """Turn to many requests at once: none of them can be sent before a connection is free."""
        start = self._next
        stop = bisect_right(self._times, now, start, min(len(self._times), start + _BACKLOG))
        self.dispatched[start:stop] = array("d", [now]) * (stop - start)
        for arm in self._arms:
            arm.backlog(start, stop)
        return stop

    def _report_blocks(self) -> None:
        """Hand over the blocks that are complete, in order."""
        while not self._finished.done():
            start = self._load.warmup + self._next_block * self._load.block
            stop = min(start + self._load.block, len(self._times))
            if any(arm.kind.find(PENDING, start, stop) >= 0 for arm in self._arms):
                return
            self._next_block += 1
            for arm in self._arms:
                arm.fail_late(self._scheduled, start, stop)
            more = self._on_block([arm.answers(self._scheduled, start, stop) for arm in self._arms])
            if not more or stop == len(self._times):
                self._stop()

    def _tick(self) -> None:
        if self._finished.done():
            return
        now = monotonic()
        for arm in self._arms:
            arm.expire(now, self._times)
        self._on_tick(self._next, now - self._start)
        if now > self._end:
            self._give_up(now)
        self._report_blocks()
        asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _give_up(self, now: float) -> None:
        """End what has not ended: the generator could not keep its schedule at all."""
        for index in range(self._next, len(self._times)):
            self.dispatched[index] = now
        self._next = len(self._times)
        for arm in self._arms:
            arm.give_up(now)

    def _stop(self) -> None:
        if not self._finished.done():
            self._finished.set_result(None)

    def _interrupt(self) -> None:
        self.interrupted = True
        self._stop()

    def _crashed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Let a bug in a callback end the run with its traceback; sockets that fail are counted where they fail."""
        error = context.get("exception")
        if error is not None and not isinstance(error, OSError) and not self._finished.done():
            self._finished.set_exception(error)

    def recording(self, priority: str) -> Recording:
        start = self._load.warmup
        stop = min(start + self._next_block * self._load.block, len(self._times))
        return Recording(
            arms=tuple(arm.answers(self._scheduled, start, stop) for arm in self._arms),
            dispatched=np.frombuffer(self.dispatched, np.float64)[start:stop],
            examples=tuple(arm.examples for arm in self._arms),
            notes={
                "timer": self._timer.kind,
                "answers_timed_by": "kernel" if all(arm.clock for arm in self._arms) else "process",
                "answers_not_stamped": [arm.clock.unstamped if arm.clock else 0 for arm in self._arms],
                "priority": priority,
                "priority_raised": priority != "none",
                "requests_sent": self._next,
                "connections": [arm.peak for arm in self._arms],
                "waited_for_a_connection": [arm.waited for arm in self._arms],
                "token_gaps_dropped": [arm.tokens.dropped for arm in self._arms],
            },
        )
