"""The send timer, with the kernel's timer and with the loop's."""

from __future__ import annotations

import asyncio
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
