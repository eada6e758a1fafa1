"""The counts of the engine are those of NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ghmlops.core.harvest.demand import count_hour
from ghmlops.core.policy.production.harvest import Traffic
from ghmlops.measure.harvest.arrival_counts import count_arrivals
from ghmlops.measure.harvest.candidates import set_aside
from ghmlops.measure.harvest.log_table import open_logs
from harvest_logs import START, write_log

if TYPE_CHECKING:
    from pathlib import Path

TRAFFIC = Traffic(files="logs/*.jsonl", id="request_id", time="ts")


def test_counts_per_hour(tmp_path: Path) -> None:
    """Requests with a conflicting identifier are arrivals, copies are not."""
    times = np.sort(np.random.default_rng(4).random(500) * 7200).round(3)
    lines: list[dict[str, object]] = [{"request_id": f"r{n}", "ts": START + t} for n, t in enumerate(times)]
    lines[8]["request_id"] = "r7"
    write_log(tmp_path / "logs/a.jsonl", [*lines, lines[3]])
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        set_aside(table, START + 1e6)
        counts = count_arrivals(table)
    for row, hour in zip(counts.hours, (0, 1), strict=True):
        inside = times[(times >= hour * 3600) & (times < (hour + 1) * 3600)] - hour * 3600
        expected = count_hour(inside, int(START // 3600) + hour)
        assert row == pytest.approx(expected, rel=1e-5)
    assert (counts.whole_seconds, counts.first) == (False, START + times[0])
