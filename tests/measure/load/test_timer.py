"""The send timer, with the kernel's timer and with the loop's."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
import uvloop

from ghmlops.measure.load import timer


@pytest.mark.parametrize("kind", ["timerfd", "loop"])
def test_it_fires_once_for_each_time_set_and_never_early(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times ahead and a time that has passed each call once; none is early by more than the clock's own steps."""
    if kind == "loop":
        monkeypatch.setattr(timer, "_open_timer", lambda: -1)
    offsets = [0.01, 0.03, -1.0, 0.05]
    fired: list[float] = []

    async def main() -> None:
        done = asyncio.Event()
        start = time.monotonic()

        def due() -> None:
            fired.append(time.monotonic() - start)
            if len(fired) == len(offsets):
                sends.close()
                done.set()
            else:
                sends.set_for(start + offsets[len(fired)])

        sends = timer.SendTimer(asyncio.get_running_loop(), due)
        assert sends.kind == kind
        sends.set_for(start + offsets[0])
        await asyncio.wait_for(done.wait(), 10)
        await asyncio.sleep(0.01)
        sends.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
    assert len(fired) == len(offsets)
    assert all(at >= offset - 0.002 for at, offset in zip(fired, offsets, strict=True))


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 1e-4), (2000.0, 1e-4), (5000.0, 4e-5), (10_001.0, 0.0)])
def test_how_early_the_process_wakes_up(rate: float, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a millisecond, a fifth of the core at most, and not at all at high rates or on an only core."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert timer.early(rate) == pytest.approx(seconds)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert timer.early(rate) == 0.0


@pytest.mark.parametrize("kind", ["timerfd", "loop"])
def test_what_is_near_is_awaited(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time itself is waited for where the timer was early for it; nothing else is, and without a timer nothing."""
    if kind == "loop":
        monkeypatch.setattr(timer, "_open_timer", lambda: -1)

    async def main() -> None:
        sends = timer.SendTimer(asyncio.get_running_loop(), lambda: None, early=0.05)
        near = time.monotonic() + 0.04
        assert (sends.awaited(near) >= near) == (kind == "timerfd")
        far = time.monotonic() + 1000.0
        assert sends.awaited(far) < far
        past = time.monotonic() - 1.0
        assert sends.awaited(past) > past
        sends.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
