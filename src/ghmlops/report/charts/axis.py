"""The axis of a chart: positions of values, and round values for its ticks."""

from __future__ import annotations

import math

MAX_STEPS = 6
"""Maximum number of steps between the ticks of an axis."""


class Axis:
    """Maps the values from `min_value` to `max_value` (greater) linearly to positions from `start` to `end`."""

    def __init__(self, min_value: float, max_value: float, start: float, end: float) -> None:
        self.min_value, self.max_value, self._start, self._end = min_value, max_value, start, end

    def __call__(self, value: float) -> str:
        """Return the position of a value, with one decimal place."""
        fraction = (value - self.min_value) / (self.max_value - self.min_value)
        return f"{self._start + fraction * (self._end - self._start):.1f}"

    def clip(self, value: float) -> str:
        """Return the position of a value; a value beyond an end of the axis is moved to this end."""
        return self(min(max(value, self.min_value), self.max_value))

    def ticks(self) -> list[float]:
        """Return round values on the axis in ascending order, with at most `MAX_STEPS` steps between them."""
        span = self.max_value - self.min_value
        power = 10.0 ** math.floor(math.log10(span / MAX_STEPS))
        step = next(power * factor for factor in (1, 2, 5, 10, 20) if span / (power * factor) <= MAX_STEPS)
        first = math.ceil(self.min_value / step - 1e-9)
        return [step * number for number in range(first, math.floor(self.max_value / step + 1e-9) + 1)]
