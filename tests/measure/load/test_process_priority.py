"""Process priority and garbage collection while sending, and their restoration."""

from __future__ import annotations

import gc
import os

import pytest

from ghmlops.measure.load.process_priority import MAX_REAL_TIME_RATE, sending_priority


def scheduling() -> tuple[int, int, int]:
    return os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), os.sched_getparam(0).sched_priority


@pytest.mark.parametrize("rate", [1.0, MAX_REAL_TIME_RATE, MAX_REAL_TIME_RATE + 1, 1e9])
def test_the_reported_priority_is_the_one_in_effect(rate: float) -> None:
    """The scheduler confirms the reported priority, which is never real-time at a rate that may need a whole core."""
    before = scheduling()
    with sending_priority(rate) as priority:
        inside = scheduling()
        assert not gc.isenabled()
    assert gc.isenabled()
    assert scheduling() == before
    assert priority in ("real-time", "nice", "none")
    assert priority != "real-time" or rate <= MAX_REAL_TIME_RATE
    assert (inside[1] == os.SCHED_RR) == (priority == "real-time")
    assert (inside[0] < before[0] or before[0] <= -10) or priority != "nice"


def test_an_exception_restores_the_priority() -> None:
    """Priority and garbage collection are as before after an exception inside the context."""
    before = scheduling()

    def fails() -> None:
        with sending_priority(1.0):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (scheduling(), gc.isenabled()) == (before, True)
