"""Service times of both arms on the same requests: their quantiles, and the duet of `latency` on blocks of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import BLOCK_SIZE, MIN_COMPARABLE
from ghmlops.core.latency.duet import Duet, compare_blocks
from ghmlops.core.model import Measurement, finite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import LatencyMargin
    from ghmlops.core.shadow.comparison import Comparison

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BASELINE, TWIN, CANDIDATE = range(3)


def timed_requests(comparison: Comparison, arms: Sequence[int]) -> list[NDArray[np.float64]]:
    """Return the service times of some arms in seconds, of the requests of which all of these times are known.

    Only requests count that all arms answered with a 2xx status, in the order in which they were asked.
    """
    times = [np.frombuffer(comparison.seconds[arm]) for arm in arms]
    timed = np.all([one > 0 for one in times], axis=0)
    return [one[timed] for one in times]


def measured_times(comparison: Comparison) -> list[Measurement]:
    """Return the service times of baseline and candidate in milliseconds, and their ratio per request.

    The arms of a request are asked one after another in random order, so that a slow moment of the machine falls on
    both alike; `ratio` is the median of their ratios.
    """
    baseline, candidate = timed_requests(comparison, (BASELINE, CANDIDATE))
    if not len(baseline):
        return []
    result = []
    for arm, seconds in (("baseline", baseline), ("candidate", candidate)):
        values = {name: finite(1e3 * float(np.quantile(seconds, q))) for name, q in QUANTILES.items()}
        if arm == "candidate":
            values["ratio"] = finite(float(np.median(candidate / baseline)))
        result.append(Measurement(id="service-time", arm=arm, unit="ms", n=len(seconds), values=values))
    return result


def duets(comparison: Comparison, margins: Mapping[str, LatencyMargin], references: Sequence[int]) -> list[Duet]:
    """Return the paired verdict on the candidate against each reference arm, from blocks of the same requests.

    Two processes of the same code can differ in speed, because one has the slower core. A candidate is slower only if
    it is slower than both: baseline and twin show how much their places alone make.
    """
    *others, candidate = timed_requests(comparison, (*references, CANDIDATE))
    result = []
    for times in others:
        duet = Duet(margins)
        for start in range(0, len(candidate), BLOCK_SIZE):
            block = slice(start, start + BLOCK_SIZE)
            if len(candidate[block]) >= MIN_COMPARABLE:
                duet.feed(compare_blocks(times[block], candidate[block]))
        result.append(duet)
    return result
