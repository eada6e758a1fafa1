"""The `.hlog` beside the evidence: each arm's response times of good answers, second by second of the schedule. Pure.

A request belongs to the second in which it was scheduled, so that the logs of shards are added second by second.
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
        arms: each arm's judged requests, shape (n,); its name becomes the tag.
        times: when they were scheduled, in seconds from the begin of the run, shape (n,).
        began: that begin, in seconds of the Unix epoch.
    """
    seconds = np.floor(times).astype(np.int64)
    found = []
    for second in np.unique(seconds).tolist():
        for name, answers in arms.items():
            mine = answers.ok & (seconds == second)
            whole = np.rint(np.clip(answers.response[mine] * NANOSECONDS, 0, STANDARD.highest))
            found.append(LogInterval(name, float(second), 1.0, Histogram.of(whole)))
    return write_log(found, began).encode()


def sum_logs(logs: Sequence[bytes], began: float) -> bytes:
    """Return the sum of several logs, second by second and tag by tag.

    Raises:
        DataError: one of them is not a log that `log_of` made.
    """
    parts: dict[tuple[float, str], list[Histogram]] = {}
    for log in logs:
        for line in _read(log):
            parts.setdefault((line.start_s, line.tag), []).append(line.histogram)
    lines = [LogInterval(tag, start, 1.0, Histogram.summed(found)) for (start, tag), found in sorted(parts.items())]
    return write_log(lines, began).encode()


def counted(log: bytes) -> dict[str, Histogram]:
    """Return all of a log's values by tag.

    Raises:
        DataError: as `sum_logs`.
    """
    parts: dict[str, list[Histogram]] = {}
    for line in _read(log):
        parts.setdefault(line.tag, []).append(line.histogram)
    return {tag: Histogram.summed(found) for tag, found in parts.items()}


def _read(log: bytes) -> list[LogInterval]:
    try:
        text = log.decode("ascii")
    except UnicodeDecodeError:
        raise DataError("not a histogram log", hint="is it the file that ghmlops wrote?") from None
    return [line._replace(start_s=round(line.start_s, 3)) for line in read_log(text)]
