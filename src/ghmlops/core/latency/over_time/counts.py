"""Counts requests and failures per interval of a run, and adds those of shards without a loss.

Widths are powers of two and intervals start at multiples of them. The sum over shards therefore equals the counts of a
single generator, whatever part of the schedule each shard sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.details.over_time import MAX_INTERVALS, ArmCounts, OverTime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers


def count_over_time(arms: Mapping[str, Answers], times: NDArray[np.float64]) -> OverTime | None:
    """Return the counts of a run; `None` without a judged request.

    Args:
        arms: Judged requests of each arm, shape (n,), by name.
        times: Scheduled send times in seconds from the start of the schedule, ascending, shape (n,).
    """
    if not len(times):
        return None
    seconds = np.floor(times).astype(np.int64)
    first, last = int(seconds[0]), int(seconds[-1])
    width = _width(first, last, 1)
    cells = seconds // width - first // width
    size = last // width - first // width + 1
    counts = {
        name: ArmCounts(
            requests=np.bincount(cells, minlength=size).tolist(),
            failed=np.bincount(cells[~answers.ok], minlength=size).tolist(),
        )
        for name, answers in arms.items()
    }
    return OverTime(start_s=first // width * width, width_s=width, arms=counts)


def sum_over_time(parts: Sequence[OverTime]) -> OverTime:
    """Return the sum of several counts, at least one, of equal arms: those of one generator that sent all requests.

    Raises:
        ValueError: The arms differ.
    """
    if len({frozenset(part.arms) for part in parts}) > 1:
        raise ValueError("the runs measured different things")
    first, last = min(part.start_s for part in parts), max(_end(part) for part in parts) - 1
    width = _width(first, last, max(part.width_s for part in parts))
    start, size = first // width, last // width - first // width + 1
    arms: dict[str, ArmCounts] = {}
    for name in parts[0].arms:
        requests, failed = [0] * size, [0] * size
        for part in parts:
            counts = part.arms[name]
            for index, (sent, bad) in enumerate(zip(counts.requests, counts.failed, strict=True)):
                cell = (part.start_s + index * part.width_s) // width - start
                requests[cell] += sent
                failed[cell] += bad
        arms[name] = ArmCounts(requests=requests, failed=failed)
    return OverTime(start_s=start * width, width_s=width, arms=arms)


def is_consistent(counts: OverTime, totals: Mapping[str, tuple[int, int]]) -> bool:
    """Return whether untrusted counts are possible and add up to the requests and failures of each arm.

    Args:
        counts: The counts.
        totals: Requests and failures by arm.
    """
    sums = {name: (sum(arm.requests), sum(arm.failed)) for name, arm in counts.arms.items()}
    return is_possible(counts) and sums == totals


def is_possible(counts: OverTime) -> bool:
    """Return whether untrusted counts have nested intervals, equal columns and at most as many failures as requests."""
    width, arms = counts.width_s, counts.arms.values()
    return (
        width & (width - 1) == 0
        and counts.start_s % width == 0
        and len({len(column) for arm in arms for column in (arm.requests, arm.failed)}) == 1
        and all(bad <= sent for arm in arms for sent, bad in zip(arm.requests, arm.failed, strict=True))
    )


def _end(counts: OverTime) -> int:
    """Return the end of the last interval, in seconds."""
    size = max(len(arm.requests) for arm in counts.arms.values())
    return counts.start_s + size * counts.width_s


def _width(first: int, last: int, min_width: int) -> int:
    """Return the smallest power of two from `min_width` on with at most `MAX_INTERVALS` intervals."""
    width = min_width
    while last // width - first // width + 1 > MAX_INTERVALS:
        width *= 2
    return width
