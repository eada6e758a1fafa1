"""The axis of a drawing: where a number lies, and the round numbers beside it."""

from __future__ import annotations

import math

TICKS = 6
"""Most steps between round numbers."""


class Scale:
    """Places of the numbers from `least` to `most` between two edges of the drawing; `least` is below `most`."""

    def __init__(self, least: float, most: float, start: float, end: float) -> None:
        self.least, self.most, self._start, self._end = least, most, start, end

    def __call__(self, value: float) -> str:
        return f"{self._start + (value - self.least) / (self.most - self.least) * (self._end - self._start):.1f}"

    def ticks(self) -> list[float]:
        """Return the round numbers of the axis, ascending, at most `TICKS` steps."""
        span = self.most - self.least
        power = 10.0 ** math.floor(math.log10(span / TICKS))
        step = next(power * times for times in (1, 2, 5, 10, 20) if span / (power * times) <= TICKS)
        first = math.ceil(self.least / step - 1e-9)
        return [step * number for number in range(first, math.floor(self.most / step + 1e-9) + 1)]
