"""Merging the results of several generator processes in schedule order."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.latency.answers import Answers, Tokens
from ghmlops.measure.load.merge_processes import concatenate, interleave, merge_notes


@settings(deadline=None)
@given(n=st.integers(1, 60), processes=st.integers(1, 5), streams=st.booleans())
def test_interleaving_is_the_inverse_of_thinning(n: int, processes: int, streams: bool) -> None:
    """Rows that are divided into shares and interleaved again are unchanged, including tokens and gaps."""
    original = random_answers(n, streams=streams)
    positions = [np.arange(k, n, processes) for k in range(processes)]
    merged = interleave([select(original, share) for share in positions], positions)
    assert equal(merged, original)
    assert equal(concatenate([original.part(0, n // 2), original.part(n // 2, n)]), original)


def test_notes_are_merged() -> None:
    """Counts are summed, a flag is true if all are, and different values are listed."""
    first = {"timer": "timerfd", "priority_raised": True, "requests_sent": 3, "connections": [1, 2], "kind": "a"}
    second = {"timer": "timerfd", "priority_raised": False, "requests_sent": 4, "connections": [3, 4], "kind": "b"}
    assert merge_notes([first, second]) == {
        "timer": "timerfd",
        "priority_raised": False,
        "requests_sent": 7,
        "connections": [4, 6],
        "kind": ["a", "b"],
    }


def random_answers(n: int, *, streams: bool) -> Answers:
    rng = np.random.default_rng(n)
    columns: dict[str, Any] = {name: rng.uniform(size=n) for name in ("scheduled", "sent", "first", "done")}
    tokens = None
    if streams:
        count = rng.integers(0, 4, n).astype(np.uint32)
        gap_of = np.repeat(np.arange(n, dtype=np.uint32), count)
        gap = rng.uniform(size=len(gap_of)).astype(np.float32)
        tokens = Tokens(first=rng.uniform(size=n), last=rng.uniform(size=n), count=count, gap=gap, gap_of=gap_of)
    return Answers(
        **columns,
        status=rng.integers(0, 600, n).astype(np.uint16),
        kind=rng.integers(0, 5, n).astype(np.uint8),
        endpoint=rng.integers(0, 3, n).astype(np.uint8),
        tokens=tokens,
    )


def select(answers: Answers, indices: Any) -> Answers:
    if not len(indices):
        return answers.part(0, 0)
    return concatenate([answers.part(int(index), int(index) + 1) for index in indices])


def equal(one: Answers, two: Answers) -> bool:
    names = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
    columns_equal = all(np.array_equal(getattr(one, name), getattr(two, name)) for name in names)
    if one.tokens is None or two.tokens is None:
        return columns_equal and one.tokens is two.tokens
    a, b = one.tokens, two.tokens
    return (
        columns_equal
        and np.array_equal(a.count, b.count)
        and np.array_equal(a.first, b.first)
        and sorted(zip(a.gap_of.tolist(), a.gap.tolist(), strict=True))
        == sorted(zip(b.gap_of.tolist(), b.gap.tolist(), strict=True))
    )
