"""The duet verdict: is the candidate slower than the baseline, judged on paired blocks of requests.

Baseline and candidate answer the same payloads at the same times, so what disturbs the machine disturbs both. Of each
pair of blocks k and each quantile q, only d_k = log Q_q(candidate) - log Q_q(baseline) is kept. Under no change the
sign of d_k is as likely plus as minus, however the noise hangs together over time; so for every lambda

    exp(sum_k (lambda * x_k - log cosh(lambda * x_k)))

has an expectation of at most 1 at any stopping time (an e-process): it seldom grows large by chance, and it may be
looked at after every block. Their mean over a grid of lambda is one too. By Ville's inequality the probability that
it ever reaches E is at most 1/E.

Sources: de la Peña (1999) for sums of symmetric variables; Ramdas, Grünwald, Vovk, Shafer (2023), "Game-theoretic
statistics and safe anytime-valid inference", for e-processes, mixtures and confidence sequences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.policy import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.policy import LatencyMargin

    Floats = NDArray[np.float64]

BLOCK = 250
"""Requests an arm and block."""
CAP = 72
"""Most pairs of blocks of a plan; an undecided plan is extended once by as many again."""
FAIL_AT = 300.0
PASS_AT = 20.0
SCALE = 0.05
"""Unit of x: a difference of 5 % counts as one."""
LAMBDAS: Floats = np.geomspace(0.02, 3.0, 14)
FEWEST_TO_PASS = math.ceil(math.log2(PASS_AT))
FEWEST_TO_FAIL = math.ceil(math.log2(FAIL_AT))
"""One pair can at most double an e-process, so fewer pairs than these can never decide."""
_FLOOR = 1e-9
_LOG_MEAN = math.log(len(LAMBDAS))
_WIDEST = 64.0


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


def log_ratios(baseline: Floats, candidate: Floats) -> dict[str, float]:
    """Return d = log Q(candidate) - log Q(baseline) of one pair of blocks for each quantile of `QUANTILES`.

    Args:
        baseline: response times of the block in any positive unit, shape (n,), unsorted, none of them NaN.
        candidate: those of the same requests on the other arm.
    """
    low, high = np.sort(baseline), np.sort(candidate)
    return {
        name: math.log(max(quantile(high, q), _FLOOR)) - math.log(max(quantile(low, q), _FLOOR))
        for name, q in QUANTILES.items()
    }


def log_bets(x: Floats) -> Floats:
    """Return lambda * x - log cosh(lambda * x) for every lambda; adds an axis of `LAMBDAS` at the end.

    log cosh y is computed as |y| + log1p(exp(-2 |y|)) - log 2, which does not overflow.
    """
    y = x[..., np.newaxis] * LAMBDAS
    size = np.abs(y)
    return np.asarray(y - size - np.log1p(np.exp(-2.0 * size)) + math.log(2.0))


def log_mean_exp(sums: Floats) -> Floats:
    """Return log(mean(exp(sums))) over the last axis, safe for sums of any size."""
    top = sums.max(axis=-1)
    return np.asarray(top + np.log(np.exp(sums - top[..., np.newaxis]).sum(axis=-1)) - _LOG_MEAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """What the blocks say of one quantile. Ratios are candidate over baseline."""

    estimate: float
    """exp of the median of d."""
    low: float
    high: float
    """All ratios that were never rejected: from below at `FAIL_AT` (99.7 %), from above at `PASS_AT` (95 %)."""
    log_e_fail: float
    log_e_pass: float
    """Largest values that the two e-processes reached, as logarithms."""

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

    Attributes:
        decision: `""` while undecided, then `fail` or `pass`; the first one stands.
        logs: by quantile, the d of every pair fed, also of those after the decision.
        decided_at: number of pairs at the decision; 0 while there is none.
    """

    __slots__ = ("_limits", "_signs", "_sums", "_top", "decided_at", "decision", "logs")

    def __init__(self, margins: Mapping[str, LatencyMargin]) -> None:
        self.decision = ""
        self.decided_at = 0
        self.logs: dict[str, list[float]] = {name: [] for name in QUANTILES}
        fails = [-math.log1p(margins[name].fail) for name in QUANTILES]
        passes = [math.log1p(margins[name].safe) for name in QUANTILES]
        self._limits: Floats = np.array([fails, passes])
        self._signs: Floats = np.array([[1.0], [-1.0]])
        self._sums: Floats = np.zeros((2, len(QUANTILES), len(LAMBDAS)))
        self._top: Floats = np.zeros((2, len(QUANTILES)))

    @property
    def pairs(self) -> int:
        """Pairs of blocks fed so far."""
        return len(next(iter(self.logs.values())))

    def feed(self, ratios: Mapping[str, float]) -> str:
        """Take the log ratios of the next pair of blocks and return the decision."""
        for name, log in ratios.items():
            self.logs[name].append(log)
        if not self.decision:
            d = np.array([ratios[name] for name in QUANTILES])
            self._sums += log_bets((self._signs * d + self._limits) / SCALE)
            np.maximum(self._top, log_mean_exp(self._sums), out=self._top)
            if (self._top[0] >= math.log(FAIL_AT)).any():
                self.decision = "fail"
            elif (self._top[1] >= math.log(PASS_AT)).all():
                self.decision = "pass"
            self.decided_at = self.pairs if self.decision else 0
        return self.decision

    def ratio(self, name: str) -> Ratio:
        """Return what the pairs up to the decision say of quantile `name`; at least one pair must have been fed."""
        used = np.array(self.logs[name][: self.decided_at or None])
        place = list(QUANTILES).index(name)
        return Ratio(
            estimate=math.exp(float(np.median(used))),
            low=math.exp(rejected_below(used)),
            high=math.exp(-rejected_below(-used, PASS_AT)),
            log_e_fail=float(self._top[0, place]),
            log_e_pass=float(self._top[1, place]),
        )


def rejected_below(d: Floats, reach: float = FAIL_AT) -> float:
    """Return the highest log ratio that the e-process against "no larger than this" rejected at any time.

    Args:
        d: log ratios in order, shape (pairs,).
        reach: value of the e-process that rejects.

    Returns:
        -inf where none is rejected. The process falls as the limit rises, so bisection finds it.
    """

    def rejected(limit: float) -> bool:
        sums = log_bets((d - limit) / SCALE).cumsum(axis=0)
        return bool(log_mean_exp(sums).max() >= math.log(reach))

    low, high = -_WIDEST, _WIDEST
    if not rejected(low):
        return -math.inf
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def planned_pairs(requests: int) -> int:
    """Return how many pairs of blocks a plan of `requests` an arm holds, at most `CAP`."""
    return min(requests // BLOCK, CAP)


def spread(values: Sequence[float]) -> float:
    """Return the robust standard deviation (1.4826 times the median absolute deviation); 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    array = np.array(values)
    return float(1.4826 * np.median(np.abs(array - np.median(array))))
