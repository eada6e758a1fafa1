"""Burn rates of an error budget over pairs of windows.

Source: Google, "The Site Reliability Workbook", chapter 5, multiwindow, multi-burn-rate alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ghmlops.core.stats.binomial import p_at_least
from ghmlops.core.watch import constants

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests of each interval.

    Attributes:
        step: seconds of an interval.
        times: start of each interval in seconds, strictly increasing, shape (intervals,).
        total: requests, shape (intervals,).
        failed: failed requests, at most `total`, shape (intervals,).
    """

    step: float
    times: NDArray[np.int64]
    total: NDArray[np.int64]
    failed: NDArray[np.int64]


class Burn(NamedTuple):
    """The burn rate of one pair of windows.

    `coverage` is the smaller share of the two windows that has data. `proven` says whether the failures of the long
    window are too many for the objective to be kept; with few requests, a high burn rate proves nothing.
    """

    limit: float
    long: int
    short: int
    long_rate: float
    short_rate: float
    requests: int
    failures: int
    coverage: float
    proven: bool

    @property
    def measured(self) -> bool:
        """Whether both windows have enough data."""
        return self.coverage >= constants.BURN_COVERAGE and self.requests > 0

    @property
    def exceeded(self) -> bool:
        """Whether both windows burn the budget at the limit or faster."""
        return self.long_rate >= self.limit and self.short_rate >= self.limit


def burn_rates(counts: Counts, objective: float, now: float) -> list[Burn]:
    """Return the burn rates at a time, one for each pair of windows that the interval resolves.

    Args:
        counts: requests over time.
        objective: share of requests that succeed, e.g. 0.999.
        now: end of the windows in seconds; intervals that have not end by then do not count.
    """
    budget = 1.0 - objective
    end = int(now // counts.step * counts.step)
    burns = []
    for limit, long, short in constants.BURN_RATES:
        if short < counts.step:
            continue
        long_total, failures, long_share = _window(counts, end - long, end)
        short_total, short_failures, short_share = _window(counts, end - short, end)
        burns.append(
            Burn(
                limit=limit,
                long=long,
                short=short,
                long_rate=failures / long_total / budget if long_total else 0.0,
                short_rate=short_failures / short_total / budget if short_total else 0.0,
                requests=long_total,
                failures=failures,
                coverage=min(long_share, short_share),
                proven=p_at_least(failures, long_total, budget) <= constants.BURN_LEVEL,
            )
        )
    return burns


def burn_onset(counts: Counts, objective: float) -> int:
    """Return the start of the interval from which the share of failures rose, seconds since the epoch.

    The maximum-likelihood change point of a binomial share that rose once. Only the longest window is looked at, and of
    it what follows the last time that the budget was kept: an earlier burn that ended is not part of this one.

    Args:
        counts: requests over time.
        objective: share of requests that succeed.
    """
    recent = counts.times >= counts.times[-1] - max(long for _, long, _ in constants.BURN_RATES)
    times, total, failed = counts.times[recent], counts.total[recent], counts.failed[recent]
    first = _last_quiet(total, failed, round(constants.BURN_QUIET / counts.step), 1.0 - objective)
    times, total, failed = times[first:], total[first:], failed[first:]
    since_failed, since_total = np.cumsum(failed[::-1])[::-1], np.cumsum(total[::-1])[::-1]
    before_failed, before_total = since_failed[0] - since_failed, since_total[0] - since_total
    rose = _share(since_failed, since_total) > _share(before_failed, before_total)
    likelihood = _likelihood(since_failed, since_total) + _likelihood(before_failed, before_total)
    return int(times[int(np.argmax(np.where(rose, likelihood, -np.inf)))])


def _last_quiet(total: NDArray[np.int64], failed: NDArray[np.int64], width: int, budget: float) -> int:
    """Return the first of the last intervals that kept the budget together, or 0.

    With few requests they keep it by chance: those do not count in which fewer than `BURN_QUIET_FAILURES` would have
    failed at the share since.
    """
    width = max(1, width)
    if len(total) <= width:
        return 0
    sums_failed, sums_total = (np.concatenate(([0], np.cumsum(counts))) for counts in (failed, total))
    inside_failed, inside_total = (sums[width:] - sums[:-width] for sums in (sums_failed, sums_total))
    since = _share(sums_failed[-1] - sums_failed[width:], sums_total[-1] - sums_total[width:])
    quiet = (inside_failed <= budget * inside_total) & (since * inside_total >= constants.BURN_QUIET_FAILURES)
    return int(np.flatnonzero(quiet)[-1]) if quiet.any() else 0


def _share(failed: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = failed / np.maximum(total, 1)
    return share


def _likelihood(failed: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the logarithm of the largest likelihood of failures of one share."""
    share = np.clip(_share(failed, total), 1e-12, 1.0 - 1e-12)
    result: NDArray[np.float64] = failed * np.log(share) + (total - failed) * np.log1p(-share)
    return result


def _window(counts: Counts, start: float, end: float) -> tuple[int, int, float]:
    """Return requests, failures, and the share of the intervals that have data."""
    inside = (counts.times >= start) & (counts.times + counts.step <= end)
    share = float(inside.sum()) * counts.step / (end - start)
    return int(counts.total[inside].sum()), int(counts.failed[inside].sum()), min(1.0, share)
