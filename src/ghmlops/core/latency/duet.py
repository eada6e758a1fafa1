"""The duet verdict: whether the candidate is slower than the baseline, judged on paired blocks of requests.

Baseline and candidate receive the same payloads at the same times, so that disturbances of the machine affect both. Of
each pair of blocks k and each quantile q, only d_k = log Q_q(candidate) - log Q_q(baseline) is used. Without a change
the sign of d_k is equally likely positive or negative given all earlier pairs, however autocorrelated the noise is that
both arms share; this is the assumption of `e_process`. Noise of one arm alone must not outlast a block. Queues near
saturation violate this, so the evidence is diluted by how long such noise lasts (`saturation.persistence`).

p50 and p95 are single quantiles, in units of the noise of their pair: the standard deviation of the log ratios of its
requests, which does not change if the arms are swapped. A p99 of 250 requests depends on two or three of them;
therefore

- d is the difference of the mean logarithms of a few order statistics around the p99, in a narrow view (the 2nd to 5th
  slowest of 250) and a wide one (the 2nd to 7th), and the e-process is the mean of both;
- a pair is weighted by the precision that its own tails indicate: d is divided by the mean log excess of the slowest 8
  of 250 over the 9th, averaged over the arms. Swapping the arms does not change this unit, and neither does a change of
  scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    FAIL_E,
    MAX_PAIRS,
    MAX_TIME,
    MIN_TIME,
    NARROW_WINDOW,
    PASS_E,
    QUANTILE_UNIT_FLOOR,
    QUANTILE_UNITS,
    TAIL_SIZE,
    TAIL_UNIT,
    TAIL_UNIT_FLOOR,
    WIDE_WINDOW,
)
from ghmlops.core.latency.e_process import (
    QUANTILE_TO_FAIL,
    QUANTILE_TO_PASS,
    TAIL_TO_FAIL,
    TAIL_TO_PASS,
    PairedDifferences,
    Stakes,
    highest_rejected,
    log_increments,
    log_mixture,
)
from ghmlops.core.latency.saturation.persistence import Dilution, Persistence
from ghmlops.core.policy.latency import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ghmlops.core.policy.latency import LatencyMargin

    Floats = NDArray[np.float64]

WIDE, SPREAD = "p99-wide", "p99-spread"
CHANGE, CHANGE_SD = "request-mean", "request-sd"
LEVELS = {"baseline": "baseline-level", "candidate": "candidate-level"}
PAIR_STATISTICS = (*QUANTILES, WIDE, SPREAD, CHANGE, CHANGE_SD, *LEVELS.values())
"""Names of the statistics that `compare_blocks` returns."""
_TAIL = "p99"
_LOG_FAIL, _LOG_PASS = math.log(FAIL_E), math.log(PASS_E)
_MAD_TO_SD = 1.4826
"""Factor from the median absolute deviation to the standard deviation of a normal distribution."""


def quantile(ascending: Floats, q: float) -> float:
    """Return the `q`-quantile by linear interpolation (type 7 of Hyndman and Fan, 1996; the default of NumPy).

    Args:
        ascending: Sorted values, shape (n,); the quantile of an empty array is NaN.
        q: Probability in [0, 1].
    """
    if not len(ascending):
        return math.nan
    position = q * (len(ascending) - 1)
    below = min(int(position), len(ascending) - 1)
    above = min(below + 1, len(ascending) - 1)
    low, high = float(ascending[below]), float(ascending[above])
    return low if low == high else low + (high - low) * (position - below)


def compare_blocks(baseline: Floats, candidate: Floats) -> dict[str, float]:
    """Return the statistics of one pair of blocks that the verdict uses, by the names in `PAIR_STATISTICS`.

    Args:
        baseline: Response times of the block in any positive unit, shape (n,), n >= 1, unsorted, without NaN.
        candidate: Response times of the same requests on the candidate, shape (n,).

    Returns:
        The log ratio d of each quantile; for the p99 the wide d and the tail spread, which weights the pair; mean and
        standard deviation of the log ratios of single requests; and the logarithm of the mean response time per arm.
    """
    first, second = _log_statistics(baseline), _log_statistics(candidate)
    ratios = {name: second[name] - first[name] for name in (*QUANTILES, WIDE)}
    arms = [np.clip(times, MIN_TIME, MAX_TIME) for times in (baseline, candidate)]
    changes = np.log(arms[1]) - np.log(arms[0])
    return {
        **ratios,
        SPREAD: (first[SPREAD] + second[SPREAD]) / 2,
        CHANGE: float(changes.mean()),
        CHANGE_SD: float(changes.std(ddof=1)) if len(changes) > 1 else 0.0,
        **{name: math.log(float(times.mean())) for name, times in zip(LEVELS.values(), arms, strict=True)},
    }


def _log_statistics(times: Floats) -> dict[str, float]:
    """Return the logarithms of one arm's quantiles, the smoothed p99, and the tail spread."""
    ascending = np.clip(np.sort(times), MIN_TIME, MAX_TIME)
    quantiles = {name: math.log(quantile(ascending, q)) for name, q in QUANTILES.items() if name != _TAIL}
    logs, position = np.log(ascending), int(QUANTILES[_TAIL] * (len(ascending) - 1))
    top = min(TAIL_SIZE, len(logs) - 1)

    def window_mean(below: int, above: int) -> float:
        return float(logs[max(0, position - below) : position + above].mean())

    return {
        **quantiles,
        _TAIL: window_mean(*NARROW_WINDOW),
        WIDE: window_mean(*WIDE_WINDOW),
        SPREAD: float(logs[-top:].mean() - logs[-top - 1]) if top else 0.0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The result for one quantile, as ratios of candidate to baseline.

    Attributes:
        estimate: exp of the median of d.
        low: Lower end of the ratios that are not rejected at `FAIL_E` (99.7 % confidence).
        high: Upper end of the ratios that are not rejected at `PASS_E` (95 % confidence).
        log_e_fail: Logarithm of the largest value of the e-process for a failure, after dilution.
        log_e_pass: Logarithm of the largest value of the e-process for a pass, after dilution; of the last value if the
            verdict is patient.
    """

    estimate: float
    low: float
    high: float
    log_e_fail: float
    log_e_pass: float

    @property
    def failed(self) -> bool:
        """Whether the candidate is shown to be slower by more than the margin m0."""
        return self.log_e_fail >= _LOG_FAIL

    @property
    def passed(self) -> bool:
        """Whether the candidate is shown to be slower by less than the safe limit m1."""
        return self.log_e_pass >= _LOG_PASS


class Duet:
    """The sequential verdict, which receives the pairs of blocks one after the other.

    Args:
        margins: The margin m0 (`fail`) and the safe limit m1 (`safe`) by quantile.
        patient: Whether a pass is only final at the end of the run. For shaped demand, which must be observed to its
            end: a pass in a quiet hour must not hide what the peak shows. All pairs count, a failure at any time is
            final, and the verdict is a pass if every pass e-process is at `PASS_E` or more *after the last pair*. The
            largest value so far would be valid too (Ville), but would remember the quiet hour. The last value reaches
            `PASS_E` only if the largest one does, so the risk of a wrong pass is no larger, whenever the run ends.
        dilute: Whether noise of one arm that lasts dilutes the evidence; only benchmarks turn it off, to compare.

    Attributes:
        log_ratios: The d of every pair by quantile, including those after the decision.
        other_statistics: The other statistics of every pair, by name.
        windows: Number of the block of every pair in its shard.
    """

    __slots__ = (
        "_decided_at",
        "_decision",
        "_dilute",
        "_dilutions",
        "_last",
        "_limits",
        "_patient",
        "_persistence",
        "_sums",
        "_top",
        "log_ratios",
        "other_statistics",
        "windows",
    )

    def __init__(self, margins: Mapping[str, LatencyMargin], *, patient: bool = False, dilute: bool = True) -> None:
        self._patient, self._dilute, self._decision, self._decided_at = patient, dilute, "", 0
        self.log_ratios: dict[str, list[float]] = {name: [] for name in QUANTILES}
        self.other_statistics: dict[str, list[float]] = {n: [] for n in PAIR_STATISTICS if n not in QUANTILES}
        self.windows: list[int] = []
        self._persistence = Persistence()
        # Factors after each pair up to the decision: column 0 for a failure, column 1 for a pass.
        self._dilutions: list[tuple[float, float]] = []
        self._limits = {name: (math.log1p(margins[name].fail), math.log1p(margins[name].safe)) for name in QUANTILES}
        self._sums: dict[str, Floats] = {n: np.zeros((2, 1, len(QUANTILE_TO_FAIL.lambdas))) for n in QUANTILES}
        self._sums[_TAIL] = np.zeros((2, 2, len(TAIL_TO_FAIL.lambdas)))
        # The e-processes as logarithms, shape (2, quantiles): row 0 for a failure, row 1 for a pass.
        self._last: Floats = np.zeros((2, len(QUANTILES)))
        self._top: Floats = np.zeros((2, len(QUANTILES)))

    @property
    def pairs(self) -> int:
        """Number of pairs of blocks so far."""
        return len(self.windows)

    @property
    def persistence(self) -> float:
        """Number of requests that the noise of one arm lasts, from the pairs up to the decision."""
        return self._persistence.requests

    @property
    def log_e(self) -> dict[str, tuple[float, float]]:
        """Logarithms of the e-processes after the newest pair, for a failure and for a pass, by quantile."""
        return {name: (float(self._last[0, i]), float(self._last[1, i])) for i, name in enumerate(QUANTILES)}

    @property
    def shards(self) -> float:
        """Mean number of pairs that observe the same time; 1 without shards."""
        return self._persistence.shards

    @property
    def decision(self) -> str:
        """`fail`, `pass`, or an empty string if undecided. The first decision is final, except a patient pass."""
        if self._decision or not self._patient:
            return self._decision
        return "pass" if self._passes() else ""

    @property
    def decided_at(self) -> int:
        """Number of pairs at the decision; 0 if undecided. A patient pass is based on all pairs so far."""
        return self._decided_at or (self.pairs if self.decision else 0)

    def feed(self, statistics: Mapping[str, float], window: int | None = None) -> str:
        """Add the next pair of blocks and return the decision.

        Args:
            statistics: Result of `compare_blocks`.
            window: Number of the block in its shard; `None` for the next one. Pairs of several shards with the same
                number observe the same time.
        """
        for name, values in (*self.log_ratios.items(), *self.other_statistics.items()):
            values.append(statistics[name])
        self.windows.append(self.pairs + 1 if window is None else window)
        if not self._decision:
            self._update()
            if (self._top[0] >= _LOG_FAIL).any():
                self._decision = "fail"
            elif not self._patient and self._passes():
                self._decision = "pass"
            self._decided_at = self.pairs if self._decision else 0
        return self.decision

    def _update(self) -> None:
        """Add the newest pair to the e-processes: row 0 against a ratio up to m0, row 1 against one from m1 on."""
        mean, sd = (self.other_statistics[name][-1] for name in (CHANGE, CHANGE_SD))
        self._persistence.add(mean, sd, self.windows[-1])
        dilution = self._persistence.dilution if self._dilute else Dilution()
        self._dilutions.append((dilution.fail, dilution.passing))
        for index, (name, (m0, m1)) in enumerate(self._limits.items()):
            newest = self._differences(name, slice(self.pairs - 1, self.pairs))
            x = np.stack([newest.d[0] - m0, m1 - newest.d[0]]) / newest.unit[0]
            self._sums[name] += log_increments(x, newest.stakes)
            log_e = [log_mixture(sums, stakes) for sums, stakes in zip(self._sums[name], stakes_of(name), strict=True)]
            # Most runs are not diluted, and then nothing is computed over all pairs again.
            to_fail = self._to_fail(name).divisors(m0)[-1] if dilution.fail > 1.0 else 1.0
            self._last[:, index] = np.array(log_e) / (to_fail, dilution.passing)
        np.maximum(self._top, self._last, out=self._top)

    def _to_fail(self, name: str) -> PairedDifferences:
        """Return the pairs up to the decision, as evidence for a failure."""
        used = slice(len(self._dilutions))
        return replace(self._differences(name, used), dilution=np.array(self._dilutions)[:, 0], outweighs=True)

    def _passes(self) -> bool:
        log_e = self._last if self._patient else self._top
        return bool((log_e[1] >= _LOG_PASS).all())

    def _differences(self, name: str, part: slice) -> PairedDifferences:
        if name == _TAIL:
            d = np.column_stack([self.log_ratios[name][part], self.other_statistics[WIDE][part]])
            unit = TAIL_UNIT * (np.array(self.other_statistics[SPREAD][part]).clip(0.0) + TAIL_UNIT_FLOOR)
        else:
            d = np.array(self.log_ratios[name][part])[:, np.newaxis]
            sd = np.array(self.other_statistics[CHANGE_SD][part]) / math.sqrt(BLOCK_SIZE)
            unit = np.hypot(QUANTILE_UNITS[name] * sd, QUANTILE_UNIT_FLOOR)
        return PairedDifferences(d=d, unit=unit, stakes=stakes_of(name)[0])

    def units(self, name: str) -> Floats:
        """Return the units by which the log ratios of the quantile `name` are divided, shape (pairs,)."""
        return self._differences(name, slice(None)).unit

    def ratio(self, name: str) -> Ratio:
        """Return the result for the quantile `name` from the pairs up to the decision; at least one pair is
        required."""
        used = self._to_fail(name)
        to_pass = np.array(self._dilutions)[:, 1]
        mirrored = replace(used, d=-used.d, stakes=stakes_of(name)[1], dilution=to_pass, outweighs=False)
        index = list(QUANTILES).index(name)
        low = math.exp(highest_rejected(used, FAIL_E))
        high = math.exp(-highest_rejected(mirrored, PASS_E, at_any_time=not self._patient))
        return Ratio(
            estimate=math.exp(float(np.median(used.d[:, 0]))),
            low=low,
            high=max(low, high),  # if the ratio changed during the run, each end can reject the other
            log_e_fail=float(self._top[0, index]),
            log_e_pass=float((self._last if self._patient else self._top)[1, index]),
        )


def stakes_of(name: str) -> tuple[Stakes, Stakes]:
    """Return the mixtures of the e-processes of the quantile `name`, for a failure and for a pass.

    Both have the same lambdas.
    """
    return (TAIL_TO_FAIL, TAIL_TO_PASS) if name == _TAIL else (QUANTILE_TO_FAIL, QUANTILE_TO_PASS)


def planned_pairs(requests: int) -> int:
    """Return the number of pairs of blocks in a plan of `requests` per arm, at most `MAX_PAIRS`."""
    return min(requests // BLOCK_SIZE, MAX_PAIRS)


def robust_sd(values: Sequence[float]) -> float:
    """Return the robust standard deviation, from the median absolute deviation; 0 for fewer than two values."""
    if len(values) < 2:
        return 0.0
    array = np.array(values)
    return float(_MAD_TO_SD * np.median(np.abs(array - np.median(array))))
