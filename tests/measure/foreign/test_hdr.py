"""Logs and tables of HdrHistogram."""

from __future__ import annotations

import pytest

from foreign_results import MILLISECONDS, NANOSECONDS, read_sample, unmeasured
from ghmlops.core.errors import InputError
from ghmlops.core.latency.external_results import slower_bounds
from ghmlops.measure.foreign.supplement import Supplement


def test_java_files_are_read_as_java_reads_them() -> None:
    """Totals, percentiles and maxima equal those printed by HdrHistogram in Java, shifted histograms included."""
    log = read_sample("java.hlog", NANOSECONDS)
    table = read_sample("java-table.txt", MILLISECONDS)
    assert log.histogram is not None
    assert (log.histogram.total, log.histogram.maximum) == (3100, 43_745_279)
    assert (table.timed, *(table.values[name] for name in ("max", "mean", "p50"))) == (3000, 27.754, 1.915, 1.466)
    assert "response times by tag" in unmeasured(log)


def test_a_table_counts_exactly_at_its_rows() -> None:
    """Between two rows the count lies between theirs; p99 is absent because the rows around it differ."""
    table = read_sample("java-table.txt", MILLISECONDS)
    low, high = slower_bounds(table, 5.0)
    assert 0 < low < high < 3000
    assert "p99" not in table.values
    assert slower_bounds(table, 0.5) == (2999, 3000)  # The first row, at 1.006 ms, counts one value up to itself.
    assert slower_bounds(table, 30.0) == (0, 0)


def test_the_user_supplies_unit_and_failures() -> None:
    """Without a unit the file is refused; without a number of failures, it is unknown."""
    for supplement, word in ((Supplement(), "unit"), (Supplement(unit="hours"), "'hours'")):
        with pytest.raises(InputError, match=word):
            read_sample("java.hlog", supplement)
    assert read_sample("java.hlog", Supplement(unit="ns")).failed == (0, None)
