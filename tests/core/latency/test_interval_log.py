"""Interval logs of response times: their content, and the sum of the logs of shards."""

from __future__ import annotations

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import read_log
from ghmlops.core.latency.interval_log import log_of, sum_logs, total_histograms
from ghmlops.core.latency.stopping import make_plan
from shard_runs import POLICY, answers_of, select


def test_interval_logs_are_added() -> None:
    """A log has each arm's successful requests per scheduled second; the shards' logs add up to the total log."""
    total_plan = make_plan(POLICY, 1, paired=False, shard=(1, 1))
    times = total_plan.times[total_plan.warmup :]
    answers = answers_of(times, seed=1)
    logs = []
    for k in range(1, 4):
        plan = make_plan(POLICY, 1, paired=False, shard=(k, 3))
        assert plan.part is not None
        selection = select(answers, plan.part.indices[plan.warmup :] - total_plan.warmup)
        logs.append(log_of({"candidate": selection}, plan.times[plan.warmup :], 1000.0 + k / 100))
    log = log_of({"candidate": answers}, times, 1000.0)
    total = sum_logs(logs, 1000.0)
    assert log == total
    assert total_histograms(total) == {"candidate": Histogram.of(answers.response[answers.ok] * 1e9)}
    lines = read_log(total.decode())
    assert [float(second) for second in range(1, 31)] == [line.start_s for line in lines]
    assert {("candidate", 1.0)} == {(line.tag, line.seconds) for line in lines}
    with pytest.raises(DataError):
        sum_logs([b"\xff"], 0.0)
