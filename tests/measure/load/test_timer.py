"""The send timer, with the timer of the kernel and with that of the loop."""

from __future__ import annotations

import asyncio
import os
import time

import pytest
import uvloop

from ghmlops.measure.load import timer


@pytest.mark.parametrize("kind", ["timerfd", "loop"])
def test_the_timer_fires_once_per_time_and_not_early(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Future and past times fire once each, and none is early by more than the resolution of the clocks."""
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
def test_the_lead_of_waking_up(rate: float, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a millisecond, at most a fifth of the core; none at high rates or with a single core."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert timer.wake_up_lead(rate) == pytest.approx(seconds)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert timer.wake_up_lead(rate) == 0.0


@pytest.mark.parametrize("kind", ["timerfd", "loop"])
def test_wait_until_waits_only_for_near_times(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for a time within the lead, but not for a later or past time, nor without a kernel timer."""
    if kind == "loop":
        monkeypatch.setattr(timer, "_open_timer", lambda: -1)

    async def main() -> None:
        sends = timer.SendTimer(asyncio.get_running_loop(), lambda: None, lead=0.8)
        near = time.monotonic() + 0.6
        assert (sends.wait_until(near) >= near) == (kind == "timerfd")
        far = time.monotonic() + 1000.0
        assert sends.wait_until(far) < far
        past = time.monotonic() - 1.0
        assert sends.wait_until(past) > past
        sends.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
