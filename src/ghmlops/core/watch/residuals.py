"""Residuals of a series: log values minus the median of the same phase in the last periods, and their noise."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.watch.constants import (
    LOG_FLOOR,
    MIN_SCALE,
    MIN_SCALE_POINTS,
    REFERENCE_PERIODS,
    SCALE_POINTS,
    WARM_UP_PERIODS,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ghmlops.core.watch.series import Series


def signed_logs(series: Series) -> NDArray[np.float64]:
    """Return the logarithm of each value with the sign in which a rise is a regression, shape (points,)."""
    logs: NDArray[np.float64] = series.sign * np.log(np.maximum(series.values, LOG_FLOOR))
    return logs


class Reference:
    """What is accepted as normal: the last values of each phase, and the last residuals.

    Points of an incident are not added, so that an incident does not become its own reference.

    Args:
        period: seconds of the season.
        step: seconds between two points.
    """

    def __init__(self, period: float, step: float) -> None:
        self._period = max(period, step)
        self._step = step
        self._values: dict[int, deque[float]] = {}
        self._delay = round(self._period / step)
        self._residuals: deque[float] = deque(maxlen=max(SCALE_POINTS, 2 * self._delay) + self._delay)
        self._scale: float | None = None
        self._sums: deque[tuple[int, float, int]] = deque(maxlen=SCALE_POINTS)

    def level(self, time: int) -> float | None:
        """Return the median of the same phase in the last accepted periods; `None` with too few of them."""
        values = self._values.get(self._phase(time), ())
        return float(np.median(values)) if len(values) >= WARM_UP_PERIODS else None

    def scale(self) -> float | None:
        """Return the robust standard deviation of the accepted residuals; `None` with too few of them.

        1.4826 times the median absolute deviation from zero. The residuals of the last period do not count yet: a shift
        that is being detected would hide in the noise that it makes.
        """
        count = len(self._residuals) - self._delay
        if self._scale is None and count >= MIN_SCALE_POINTS:
            older = np.fromiter(self._residuals, float, count)
            self._scale = max(MIN_SCALE, 1.4826 * float(np.median(np.abs(older))))
        return self._scale

    def period_scale(self) -> float | None:
        """Return the robust standard deviation of the mean residual of past periods; `None` with too few of them."""
        means = [total / count for _, total, count in list(self._sums)[:-1]]
        if len(means) < MIN_SCALE_POINTS:
            return None
        return 1.4826 * float(np.median(np.abs(means)))

    def _add_to_period(self, period: int, residual: float) -> None:
        if self._sums and self._sums[-1][0] == period:
            _, total, count = self._sums.pop()
            self._sums.append((period, total + residual, count + 1))
        else:
            self._sums.append((period, residual, 1))

    def accept(self, time: int, value: float, residual: float | None) -> None:
        """Add a point to the reference."""
        self._values.setdefault(self._phase(time), deque(maxlen=REFERENCE_PERIODS)).append(value)
        if residual is not None:
            self._residuals.append(residual)
            self._scale = None
            self._add_to_period(int(time // self._period), residual)

    def _phase(self, time: int) -> int:
        return int(time % self._period // self._step)
