"""The `.hlog` that accompanies the evidence: response times of each arm's successful requests per second.

A request belongs to the second in which it was scheduled, so that the logs of shards can be added second by second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.errors import DataError
from ghmlops.core.histograms.exact_histogram import NANOSECONDS
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import LogInterval, read_log, write_log
from ghmlops.core.histograms.layout import STANDARD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers


def log_of(arms: Mapping[str, Answers], times: NDArray[np.float64], began: float) -> bytes:
    """Return the log of a run.

    Args:
        arms: Judged requests of each arm, shape (n,), by name, which becomes the tag.
        times: Scheduled send times in seconds from the start of the run, shape (n,).
        began: Start of the run in seconds of the Unix epoch.
    """
    seconds = np.floor(times).astype(np.int64)
    intervals = []
    for second in np.unique(seconds).tolist():
        for name, answers in arms.items():
            selection = answers.ok & (seconds == second)
            nanoseconds = np.rint(np.clip(answers.response[selection] * NANOSECONDS, 0, STANDARD.highest))
            intervals.append(LogInterval(name, float(second), 1.0, Histogram.of(nanoseconds)))
    return write_log(intervals, began).encode()


def sum_logs(logs: Sequence[bytes], began: float) -> bytes:
    """Return the sum of several logs, by second and tag; it starts at `began` (seconds of the Unix epoch).

    Raises:
        DataError: One of them was not written by `log_of`.
    """
    groups: dict[tuple[float, str], list[Histogram]] = {}
    for log in logs:
        for line in _read(log):
            groups.setdefault((line.start_s, line.tag), []).append(line.histogram)
    lines = [LogInterval(tag, start, 1.0, Histogram.summed(parts)) for (start, tag), parts in sorted(groups.items())]
    return write_log(lines, began).encode()


def total_histograms(log: bytes) -> dict[str, Histogram]:
    """Return the histogram of all values of a log, by tag.

    Raises:
        DataError: The log was not written by `log_of`.
    """
    groups: dict[str, list[Histogram]] = {}
    for line in _read(log):
        groups.setdefault(line.tag, []).append(line.histogram)
    return {tag: Histogram.summed(parts) for tag, parts in groups.items()}


def _read(log: bytes) -> list[LogInterval]:
    try:
        text = log.decode("ascii")
    except UnicodeDecodeError:
        raise DataError("not a histogram log", hint="is it the file that ghmlops wrote?") from None
    return [line._replace(start_s=round(line.start_s, 3)) for line in read_log(text)]
