"""What the process is while it sends: priority, garbage collection, and all of it put back."""

from __future__ import annotations

import gc
import os

import pytest

from ghmlops.core.policy.latency import Request
from ghmlops.measure.load.process_priority import MOST_REAL_TIME, quiet_process
from ghmlops.measure.load.secrets import blotted, secrets_of


def scheduling() -> tuple[int, int, int]:
    return os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0), os.sched_getparam(0).sched_priority


@pytest.mark.parametrize("rate", [1.0, MOST_REAL_TIME, MOST_REAL_TIME + 1, 1e9])
def test_what_is_told_is_what_holds(rate: float) -> None:
    """Inside, the scheduler says what is told; a rate that may need a whole core never gets real-time priority."""
    before = scheduling()
    with quiet_process(rate) as got:
        inside = scheduling()
        assert not gc.isenabled()
    assert gc.isenabled()
    assert scheduling() == before
    assert got in ("real-time", "nice", "none")
    assert got != "real-time" or rate <= MOST_REAL_TIME
    assert (inside[1] == os.SCHED_RR) == (got == "real-time")
    assert (inside[0] < before[0] or before[0] <= -10) or got != "nice"


def test_it_is_put_back_after_a_failure() -> None:
    """An exception inside changes nothing of that."""
    before = scheduling()

    def fails() -> None:
        with quiet_process(1.0):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (scheduling(), gc.isenabled()) == (before, True)


def test_words_that_may_be_secrets() -> None:
    """Values and their words, the longest first; short ones and those of harmless headers are none."""
    headers = {"authorization": "Bearer abcdefgh", "x-key": "12345", "content-type": "application/json"}
    assert secrets_of([Request(headers=headers)]) == ("Bearer abcdefgh", "abcdefgh", "Bearer")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no access for t0k3n-abcdef!", "no access for …!"),
        ("t0k3n-abcdeft0k3n-abcdef", "……"),
        ('cut in it: "t0k3n-abc…"', 'cut in it: "……"'),
        ("t0k3n-abcXYZ", "…XYZ"),
        ("t0k3n and t0k3", "t0k3n and t0k3"),
        ("", ""),
    ],
)
def test_a_secret_is_blotted_out_even_where_the_text_was_cut_in_it(text: str, expected: str) -> None:
    """Six characters of its begin are enough; fewer say nothing."""
    assert blotted(text, ("t0k3n-abcdef",)) == expected
