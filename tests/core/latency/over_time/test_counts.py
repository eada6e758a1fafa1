"""Requests and failures over the time of a run: exact sums over shards, bounded sizes, refused numbers."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ghmlops.core.details.over_time import MAX_INTERVALS, ArmCounts, OverTime
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.over_time.counts import count_over_time, is_consistent, sum_over_time
from latency_runs import arm


def results(times: np.ndarray, failed: np.ndarray) -> Answers:
    """Return results of which some failed."""
    plain = arm(len(times))
    return Answers(
        scheduled=times,
        sent=times,
        first=times,
        done=times,
        status=plain.status,
        kind=np.where(failed, int(Kind.TIMEOUT), int(Kind.OK)).astype(np.uint8),
    )


def test_requests_belong_to_the_second_in_which_they_were_scheduled() -> None:
    """Three requests in the seconds 2, 2 and 4, of which the last failed."""
    times = np.array([2.0, 2.9, 4.5])
    counts = count_over_time({"candidate": results(times, times > 4)}, times)
    assert counts == OverTime(start_s=2, width_s=1, arms={"candidate": ArmCounts(requests=[2, 0, 1], failed=[0, 0, 1])})
    assert count_over_time({}, times[:0]) is None


@pytest.mark.parametrize("seconds", [30.0, 500.0, 7200.0, 1e6])
@pytest.mark.parametrize("shards", [2, 3, 7])
def test_the_sum_over_shards_is_the_count_of_one_generator(seconds: float, shards: int) -> None:
    """Whatever part each shard sent, and however different their spans are, no request moves or is lost."""
    generator = np.random.default_rng(7)
    times = np.sort(generator.uniform(3.0, seconds, 5_000))
    failed = generator.random(5_000) < 0.1
    owner = np.minimum(generator.geometric(0.5, 5_000) - 1, shards - 1)
    owner[:200] = 0
    total = count_over_time({"candidate": results(times, failed)}, times)
    parts = [
        count
        for shard in range(shards)
        if (
            count := count_over_time(
                {"candidate": results(times[owner == shard], failed[owner == shard])}, times[owner == shard]
            )
        )
    ]
    assert total is not None
    assert sum_over_time(parts) == total
    assert len(total.arms["candidate"].requests) <= MAX_INTERVALS
    assert is_consistent(total, {"candidate": (5_000, int(failed.sum()))})
    assert not is_consistent(total, {"candidate": (5_000, int(failed.sum()) + 1)})


def test_counts_of_different_arms_are_not_added() -> None:
    """A shard without a baseline is not a part of a run with one."""
    times = np.array([0.5])
    counts = [count_over_time({name: results(times, times < 0)}, times) for name in ("baseline", "candidate")]
    with pytest.raises(ValueError, match="different things"):
        sum_over_time([one for one in counts if one])


@pytest.mark.parametrize(
    "fields",
    [
        {"width_s": 3},
        {"start_s": 1, "width_s": 2},
        {"arms": {"candidate": ArmCounts(requests=[4], failed=[1, 0])}},
        {"arms": {"candidate": ArmCounts(requests=[4, 1], failed=[0, 2])}},
        {"arms": {}},
    ],
)
def test_impossible_counts_are_refused(fields: dict[str, object]) -> None:
    """Widths that do not nest, columns of different lengths and more failures than requests are not counts of a run."""
    counts = OverTime(start_s=0, width_s=1, arms={"candidate": ArmCounts(requests=[4, 1], failed=[1, 1])})
    assert is_consistent(counts, {"candidate": (5, 2)})
    assert not is_consistent(msgspec.structs.replace(counts, **fields), {"candidate": (5, 2)})
