"""A logarithmic axis of a chart."""

from __future__ import annotations

import math

from ghmlops.report.charts.axis import Axis

MAX_TICKS = 8


class LogAxis:
    """Maps the values from `min_value` (above zero) to `max_value` (greater) logarithmically to positions."""

    def __init__(self, min_value: float, max_value: float, start: float, end: float) -> None:
        self.min_value, self.max_value = min_value, max_value
        self._axis = Axis(math.log10(min_value), math.log10(max_value), start, end)

    def __call__(self, value: float) -> str:
        """Return the position of a value above zero, with one decimal place."""
        return self._axis(math.log10(value))

    def ticks(self) -> list[float]:
        """Return round values on the axis in ascending order, at most `MAX_TICKS`.

        These are 1, 2 and 5 times the powers of ten if there is room for them, otherwise powers of ten only. An axis of
        less than one such step has the round values of a linear one.
        """
        low, high = math.floor(math.log10(self.min_value)), math.ceil(math.log10(self.max_value))
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
            inside = [value for value in values if self.min_value <= value * (1 + 1e-9) and value <= self.max_value]
            if len(inside) <= MAX_TICKS:
                break
        else:
            inside = inside[:: -(-len(inside) // MAX_TICKS)]
        return inside if len(inside) > 1 else Axis(self.min_value, self.max_value, 0.0, 1.0).ticks()
