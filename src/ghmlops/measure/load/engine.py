"""The engine of a run: sends requests at their scheduled times, independently of responses, to one arm or to two."""

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
from ghmlops.measure.load.process_priority import SIGNALS, sending_priority
from ghmlops.measure.load.timer import SendTimer, wake_up_lead

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


GRACE = 5.0
"""Seconds after the last time-out at which a run that has not ended is aborted."""
_MAX_BURST = 64
"""Maximum number of requests that are sent per iteration of the loop, so that responses are read in between."""
_MAX_BACKLOG = 4096
"""Maximum number of requests that are enqueued per iteration of the loop if all arms are saturated."""
_LEAD = 0.05
"""Seconds from the start of the engine to the start of the schedule."""
_TICK = 0.02
"""Seconds between two checks for time-outs and complete blocks."""


def run_load(
    load: Load,
    on_block: Callable[[Sequence[Answers]], bool],
    on_tick: Callable[[int, float], None] = lambda _sent, _seconds: None,
) -> Recording:
    """Run to the end of the schedule, or until `on_block` returns False.

    Args:
        load: The requests to send.
        on_block: Called with the responses of each arm to each block, in order, once all of them have ended. The run
            stops if it returns False.
        on_tick: Called every few hundredths of a second with the number of requests sent per arm, and the seconds
            since the start of the schedule.

    Raises:
        KeyboardInterrupt: A signal interrupted the run; every connection is closed.
        ValueError: The schedule is empty or exceeds the hard limits (a bug: the caller has checked them).
    """
    if not load.warmup < len(load.times) <= MAX_REQUESTS or load.times[-1] > MAX_SECONDS:
        raise ValueError(
            f"expected {load.warmup + 1:,} to {MAX_REQUESTS:,} requests within {MAX_SECONDS:g} s, the hard limits; "
            f"got {len(load.times):,} requests"
        )
    engine = _Engine(load, on_block, on_tick)
    with (
        sending_priority(load.rate) as priority,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(engine.run())
    if engine.interrupted:
        raise KeyboardInterrupt
    return engine.recording(priority)


class _Engine:
    """The state of a run.

    Attributes:
        dispatch_times: Time at which each request was processed, in seconds of `time.monotonic`.
        interrupted: True if a signal ended the run.
    """

    __slots__ = (
        "_arms", "_deadline", "_finished", "_load", "_next", "_next_block", "_on_block", "_on_tick", "_scheduled",
        "_start", "_timer", "_times", "_write_order", "dispatch_times", "interrupted",
    )  # fmt: skip

    def __init__(
        self,
        load: Load,
        on_block: Callable[[Sequence[Answers]], bool],
        on_tick: Callable[[int, float], None],
    ) -> None:
        self._load, self._on_block, self._on_tick = load, on_block, on_tick
        self._arms = [Arm(load, target) for target in load.targets]
        self._write_order = np.asarray(load.write_order, np.uint8).tobytes()
        self._next = self._next_block = 0
        self.dispatch_times = array("d", bytes(8 * len(load.times)))
        self.interrupted = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[None] = loop.create_future()
        loop.set_exception_handler(self._crashed)
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                loop.add_signal_handler(number, self._interrupt)
        self._start = max(monotonic() + _LEAD, self._load.start_at)
        self._scheduled = self._load.times + self._start
        self._times = array("d", self._scheduled.tobytes())
        self._deadline = self._times[-1] + self._load.timeout + GRACE
        self._timer = SendTimer(loop, self._send_due, wake_up_lead(self._load.rate))
        self._timer.set_for(self._times[0])
        ticking = loop.call_later(_TICK, self._tick)
        try:
            await self._finished
        finally:
            ticking.cancel()
            self._timer.close()
            for arm in self._arms:
                await arm.stop()
            await asyncio.sleep(0)  # the iteration of the loop in which connections are closed

    def _send_due(self) -> None:
        """Send the requests that are due, up to the maximum burst."""
        index, times = self._next, self._times
        if all(arm.saturated for arm in self._arms):
            index = self._enqueue_due(monotonic())
        else:
            last = min(len(times), index + _MAX_BURST)
            now = self._timer.wait_until(times[index])
            while index < last and times[index] <= now:
                self.dispatch_times[index] = now
                self._offer(index)
                index += 1
                now = monotonic()
        self._next = index
        if index < len(times):
            self._timer.set_for(times[index])
        else:
            self._timer.close()

    def _offer(self, index: int) -> None:
        """Pass request `index` to the arms in its write order."""
        arms = self._arms
        if len(arms) == 1:
            arms[0].offer(index)
        elif self._write_order[index]:
            arms[1].offer(index)
            arms[0].offer(index)
        else:
            arms[0].offer(index)
            arms[1].offer(index)

    def _enqueue_due(self, now: float) -> int:
        """Enqueue many due requests at once, since none can be sent before a slot is free; return the next index."""
        start = self._next
        stop = bisect_right(self._times, now, start, min(len(self._times), start + _MAX_BACKLOG))
        self.dispatch_times[start:stop] = array("d", [now]) * (stop - start)
        for arm in self._arms:
            arm.enqueue(start, stop)
        return stop

    def _report_blocks(self) -> None:
        """Pass complete blocks to `on_block`, in order."""
        while not self._finished.done():
            start = self._load.warmup + self._next_block * self._load.block
            stop = min(start + self._load.block, len(self._times))
            if any(arm.kind.find(PENDING, start, stop) >= 0 for arm in self._arms):
                return
            self._next_block += 1
            for arm in self._arms:
                arm.fail_late(self._scheduled, start, stop)
            go_on = self._on_block([arm.answers(self._scheduled, start, stop) for arm in self._arms])
            if not go_on or stop == len(self._times):
                self._stop()

    def _tick(self) -> None:
        if self._finished.done():
            return
        now = monotonic()
        for arm in self._arms:
            arm.expire(now, self._times)
        self._on_tick(self._next, now - self._start)
        if now > self._deadline:
            self._give_up(now)
        self._report_blocks()
        asyncio.get_running_loop().call_later(_TICK, self._tick)

    def _give_up(self, now: float) -> None:
        """Abort a run whose generator could not keep its schedule."""
        for index in range(self._next, len(self._times)):
            self.dispatch_times[index] = now
        self._next = len(self._times)
        for arm in self._arms:
            arm.give_up(now)

    def _stop(self) -> None:
        if not self._finished.done():
            self._finished.set_result(None)

    def _interrupt(self) -> None:
        """Stop the run; called by signals."""
        self.interrupted = True
        self._stop()

    def _crashed(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the run with the exception of a callback, a bug; errors of sockets are recorded as failed requests."""
        error = context.get("exception")
        if error is not None and not isinstance(error, OSError) and not self._finished.done():
            self._finished.set_exception(error)

    def _redirected(self) -> dict[str, list[int]]:
        followers = [arm.follower for arm in self._arms]
        return {"redirected": [len(one.sends) for one in followers if one]} if any(followers) else {}

    def recording(self, priority: str) -> Recording:
        """Return the blocks that were passed to `on_block`, and notes about the generator."""
        start = self._load.warmup
        stop = min(start + self._next_block * self._load.block, len(self._times))
        return Recording(
            arms=tuple(arm.answers(self._scheduled, start, stop) for arm in self._arms),
            dispatch_times=np.frombuffer(self.dispatch_times, np.float64)[start:stop],
            examples=tuple(arm.examples for arm in self._arms),
            notes={
                "timer": self._timer.kind,
                "answers_timed_by": "kernel" if all(arm.arrival_clock for arm in self._arms) else "process",
                "answers_not_stamped": [arm.arrival_clock.unstamped if arm.arrival_clock else 0 for arm in self._arms],
                "priority": priority,
                "priority_raised": priority != "none",
                "requests_sent": self._next,
                "connections": [arm.peak for arm in self._arms],
                "waited_for_a_connection": [arm.waited for arm in self._arms],
                "requests_sent_again": [len(arm.sent_again) for arm in self._arms],
                "token_gaps_dropped": [arm.tokens.dropped for arm in self._arms],
                **self._redirected(),
            },
        )
