"""The duet verdict: is the candidate slower than the baseline, judged on paired blocks of requests.

Baseline and candidate answer the same payloads at the same times, so what disturbs the machine disturbs both. Of each
pair of blocks k and each quantile q, only d_k = log Q_q(candidate) - log Q_q(baseline) is kept. Under no change the
sign of d_k is as likely plus as minus, given all earlier pairs, however the noise that both arms share hangs together
over time: what `bets` needs for its e-processes. (Noise of one arm alone must not outlast a block: a baseline that
became slow for minutes by itself is slower, and the numbers cannot tell why.)

p50 and p95 are single quantiles in units of 5 %. A p99 of 250 requests hangs on two or three of them; so there

- d is the difference of the mean logarithms of a few order statistics around the p99, once narrow (the 2nd to the 5th
  slowest of 250) and once wide (2nd to 7th), and the e-process is the mean of both;
- a pair is weighed by what its own tails tell of its precision: d is divided by the mean log excess of the slowest 8
  of 250 over the 9th, averaged over the arms. Swapping the arms does not change it, nor does a change of scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.e_process import GRID, TAIL, Record, log_bets, log_mix, rejected_below
from ghmlops.core.policy.latency import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import LatencyMargin

    Floats = NDArray[np.float64]

BLOCK = 250
"""Requests an arm and block."""
CAP = 72
"""Most pairs of blocks of a plan; an undecided plan is extended once by as many again."""
FAIL_AT = 300.0
PASS_AT = 20.0
SCALE = 0.05
"""Unit of p50 and p95: a difference of 5 % counts as one."""
WIDE, SPREAD = "p99-wide", "p99-spread"
TOLD = (*QUANTILES, WIDE, SPREAD)
"""What `compare` tells of a pair of blocks."""
FEWEST_TO_PASS = math.ceil(math.log2(PASS_AT))
FEWEST_TO_FAIL = math.ceil(math.log2(FAIL_AT))
"""One pair can at most double an e-process, so fewer pairs than these can never decide."""
_TAIL = "p99"
_UNIT, _UNIT_FLOOR = 0.6, 0.01
"""Standard deviation of the p99's d, as a share of the spread of the tail, for payloads that explain half of the
variance; and the spread below which blocks are not told apart."""
_TOP = 8
_FLOOR, _CEILING = 1e-9, 1e9


def quantile(ascending: Floats, q: float) -> float:
    """Return the quantile by linear interpolation between ranks (type 7 of Hyndman and Fan, 1996; NumPy's default).

    Args:
        ascending: sorted values, shape (n,); NaN for none.
        q: in [0, 1].
    """
    if not len(ascending):
        return math.nan
    place = q * (len(ascending) - 1)
    below = min(int(place), len(ascending) - 1)
    above = min(below + 1, len(ascending) - 1)
    low, high = float(ascending[below]), float(ascending[above])
    return low if low == high else low + (high - low) * (place - below)


def compare(baseline: Floats, candidate: Floats) -> dict[str, float]:
    """Return all that the verdict takes from one pair of blocks, by the names in `TOLD`.

    Args:
        baseline: response times of the block in any positive unit, shape (n,), n >= 1, unsorted, none of them NaN.
        candidate: those of the same requests on the other arm.

    Returns:
        d for each quantile and, for the p99, the wide d and the spread of the tails, which weighs the pair.
    """
    first, second = _describe(baseline), _describe(candidate)
    found = {name: second[name] - first[name] for name in (*QUANTILES, WIDE)}
    return {**found, SPREAD: (first[SPREAD] + second[SPREAD]) / 2}


def _describe(times: Floats) -> dict[str, float]:
    """Return the logarithms of one arm's quantiles, the p99 smoothed, and the mean log excess of its slowest 8."""
    ascending = np.clip(np.sort(times), _FLOOR, _CEILING)
    found = {name: math.log(quantile(ascending, q)) for name, q in QUANTILES.items() if name != _TAIL}
    logs, place = np.log(ascending), int(QUANTILES[_TAIL] * (len(ascending) - 1))
    top = min(_TOP, len(logs) - 1)
    return {
        **found,
        _TAIL: float(logs[max(0, place - 1) : place + 3].mean()),
        WIDE: float(logs[max(0, place - 3) : place + 3].mean()),
        SPREAD: float(logs[-top:].mean() - logs[-top - 1]) if top else 0.0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What the blocks say of one quantile. Ratios are candidate over baseline."""

    estimate: float
    """exp of the median of d."""
    low: float
    high: float
    """All ratios that were not rejected: from below at `FAIL_AT` (99.7 %), from above at `PASS_AT` (95 %)."""
    log_e_fail: float
    log_e_pass: float
    """The two e-processes as logarithms: the largest values that they reached; that for the pass of a patient verdict
    is the last one."""

    @property
    def failed(self) -> bool:
        """Shown to be slower by more than m0."""
        return self.log_e_fail >= math.log(FAIL_AT)

    @property
    def passed(self) -> bool:
        """Shown to be slower by less than m1."""
        return self.log_e_pass >= math.log(PASS_AT)


class Duet:
    """The running verdict: fed one pair of blocks after the other, in order.

    Args:
        margins: m0 and m1 by quantile.
        patient: a pass is never final. For demand with a course, which must be seen to its end: a pass in a quiet
            hour must not hide what the peak shows. All pairs count, a failure at any time wins, and it is a pass where
            every pass e-process stands at `PASS_AT` or more *now*. That one was there *ever* would be valid too
            (Ville), but would remember the quiet hour; "now" is only reached when "ever" is, so its risk of a wrong
            pass is no larger, at whatever pair the run ends.

    Attributes:
        logs: by quantile, the d of every pair fed, also of those after the decision.
        tail: by `WIDE` and `SPREAD`, the same.
    """

    __slots__ = ("_fixed", "_fixed_at", "_limits", "_now", "_patient", "_sums", "_top", "logs", "tail")

    def __init__(self, margins: Mapping[str, LatencyMargin], *, patient: bool = False) -> None:
        self._patient, self._fixed, self._fixed_at = patient, "", 0
        self.logs: dict[str, list[float]] = {name: [] for name in QUANTILES}
        self.tail: dict[str, list[float]] = {WIDE: [], SPREAD: []}
        self._limits = {name: (math.log1p(margins[name].fail), math.log1p(margins[name].safe)) for name in QUANTILES}
        self._sums: dict[str, Floats] = {name: np.zeros((2, 1, len(GRID.lambdas))) for name in QUANTILES}
        self._sums[_TAIL] = np.zeros((2, 2, len(TAIL.lambdas)))
        self._now: Floats = np.zeros((2, len(QUANTILES)))
        self._top: Floats = np.zeros((2, len(QUANTILES)))

    @property
    def pairs(self) -> int:
        """Pairs of blocks fed so far."""
        return len(self.tail[WIDE])

    @property
    def final(self) -> bool:
        """True where no further pair can change the decision."""
        return bool(self._fixed)

    @property
    def decision(self) -> str:
        """`fail`, `pass`, or `""` while undecided. The first one stands; a patient verdict's pass may still be lost."""
        if self._fixed or not self._patient:
            return self._fixed
        return "pass" if self._passes() else ""

    @property
    def decided_at(self) -> int:
        """Number of pairs at the decision; 0 while there is none. A patient verdict's pass is of all pairs so far."""
        return self._fixed_at or (self.pairs if self.decision else 0)

    def feed(self, told: Mapping[str, float]) -> str:
        """Take the next pair of blocks, as `compare` tells of it, and return the decision."""
        for name, values in (*self.logs.items(), *self.tail.items()):
            values.append(told[name])
        if not self._fixed:
            self._bet()
            if (self._top[0] >= math.log(FAIL_AT)).any():
                self._fixed = "fail"
            elif not self._patient and self._passes():
                self._fixed = "pass"
            self._fixed_at = self.pairs if self._fixed else 0
        return self.decision

    def _bet(self) -> None:
        """Bet on the newest pair: in row 0 that the ratio is beyond m0, in row 1 that it is below m1."""
        for place, (name, (m0, m1)) in enumerate(self._limits.items()):
            record = self._record(name, slice(self.pairs - 1, self.pairs))
            x = np.stack([record.d[0] - m0, m1 - record.d[0]]) / record.unit[0]
            self._sums[name] += log_bets(x, record.stakes)
            self._now[:, place] = log_mix(self._sums[name], record.stakes)
        np.maximum(self._top, self._now, out=self._top)

    def _passes(self) -> bool:
        seen = self._now if self._patient else self._top
        return bool((seen[1] >= math.log(PASS_AT)).all())

    def _record(self, name: str, part: slice) -> Record:
        if name == _TAIL:
            d = np.column_stack([self.logs[name][part], self.tail[WIDE][part]])
            return Record(d=d, unit=_UNIT * (np.array(self.tail[SPREAD][part]).clip(0.0) + _UNIT_FLOOR), stakes=TAIL)
        d = np.array(self.logs[name][part])[:, np.newaxis]
        return Record(d=d, unit=np.full(len(d), SCALE), stakes=GRID)

    def ratio(self, name: str) -> Ratio:
        """Return what the pairs up to the decision say of quantile `name`; at least one pair must have been fed."""
        used = self._record(name, slice(self._fixed_at or None))
        against = Record(d=-used.d, unit=used.unit, stakes=used.stakes)
        place = list(QUANTILES).index(name)
        low = math.exp(rejected_below(used, FAIL_AT))
        high = math.exp(-rejected_below(against, PASS_AT, ever=not self._patient))
        return Ratio(
            estimate=math.exp(float(np.median(used.d[:, 0]))),
            low=low,
            high=max(low, high),  # where the ratio changed on the way, both ends can reject the other
            log_e_fail=float(self._top[0, place]),
            log_e_pass=float((self._now if self._patient else self._top)[1, place]),
        )


def planned_pairs(requests: int) -> int:
    """Return how many pairs of blocks a plan of `requests` an arm holds, at most `CAP`."""
    return min(requests // BLOCK, CAP)


def spread(values: Sequence[float]) -> float:
    """Return the robust standard deviation (1.4826 times the median absolute deviation); 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    array = np.array(values)
    return float(1.4826 * np.median(np.abs(array - np.median(array))))
