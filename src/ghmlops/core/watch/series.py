"""Series of a metric over time: strictly increasing times, finite values, and a list of what was left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.model import Direction


class Point(NamedTuple):
    """A raw point: seconds since the epoch (UTC), and the value; `None` or NaN if the source has none."""

    time: float
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The points of one metric in the order of time.

    Attributes:
        name: name of the metric in the policy.
        direction: direction in which it improves.
        step: seconds between two points as planned.
        times: start of each point's interval, seconds since the epoch, a multiple of `step`, shape (points,).
        values: value of each point, shape (points,).
        left_out: number of points left out, by kind: `missing`, `negative`, `future`, `repeated`.
    """

    name: str
    direction: Direction
    step: float
    times: NDArray[np.int64]
    values: NDArray[np.float64]
    left_out: dict[str, int]

    @property
    def sign(self) -> int:
        """1 if a rise is a regression, -1 if a fall is."""
        return 1 if self.direction == "lower-is-better" else -1


def make_series(name: str, direction: Direction, step: float, points: Sequence[Point], clock: float) -> Series:
    """Return a series of raw points: snapped to the step, ordered, without values that are none.

    A point whose interval begins after `clock` is left out: its clock was wrong. Of several points of one interval the
    last one counts, as for a metric that was written again.

    Args:
        name: name of the metric.
        direction: direction in which it improves.
        step: seconds between two points.
        points: raw points in any order; of equal times the later element counts.
        clock: current time in seconds since the epoch.
    """
    left_out = dict.fromkeys(("missing", "negative", "future", "repeated"), 0)
    values: dict[int, float] = {}
    for time, value in points:
        if value is None or not np.isfinite(value) or not np.isfinite(time):
            left_out["missing"] += 1
        elif value < 0:
            left_out["negative"] += 1
        elif time > clock:
            left_out["future"] += 1
        else:
            place = int(time // step * step)
            left_out["repeated"] += place in values
            values[place] = float(value)
    times = np.array(sorted(values), np.int64)
    return Series(
        name=name,
        direction=direction,
        step=step,
        times=times,
        values=np.array([values[int(time)] for time in times], np.float64),
        left_out={kind: count for kind, count in left_out.items() if count},
    )


def holes(series: Series, since: float, until: float) -> int:
    """Return how many intervals between two times have no point."""
    expected = max(0, int((until - since) // series.step))
    present = int(np.count_nonzero((series.times >= since) & (series.times < until)))
    return max(0, expected - present)
