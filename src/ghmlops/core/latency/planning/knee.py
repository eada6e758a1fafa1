"""The knee of two arms, from a short ramp before the run: the rate at which the slower arm stops keeping up.

The ramp doubles the arrival rate until an arm is saturated. A saturated arm completes requests at the rate that it can
serve, which is the knee.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.latency.constants import (
    BLOCK_SIZE,
    KNEE_SHARE,
    MAX_PAIRS,
    MAX_RAMP_SECONDS,
    RAMP_BACKLOG,
    RAMP_FACTOR,
    RAMP_FAILED,
    RAMP_REQUESTS,
    RAMP_RESPONSES,
    RAMP_SECONDS,
    RAMP_SLOWER,
    RAMP_START,
)
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.saturated_runs.finding import advised_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ghmlops.core.latency.answers import Answers

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the ramp on all arms.

    Attributes:
        rate: Offered rate in requests per second.
        completed: Rate at which the slower arm completed them, in requests per second.
        median: Median response time of the slower arm in seconds; infinite without a response.
        last_median: The same for the last third of the requests.
        failed: Share of requests that failed, on the worse arm.
    """

    rate: float
    completed: float
    median: float
    last_median: float
    failed: float


def step_times(rate: float, steps: Sequence[Step], rng: np.random.Generator) -> Floats:
    """Return the send times of the next step in seconds, a Poisson process.

    A step lasts for several response times, so that a few slow responses do not hide its rate of completion.

    Args:
        rate: Rate of the step in requests per second.
        steps: The steps so far.
        rng: Source of randomness.
    """
    response = steps[-1].median if steps and math.isfinite(steps[-1].median) else 0.0
    seconds = min(max(RAMP_SECONDS, RAMP_RESPONSES * response), MAX_RAMP_SECONDS)
    n = max(RAMP_REQUESTS, round(rate * seconds))
    return np.sort(rng.uniform(0.0, n / rate, n))


def step_of(rate: float, arms: Sequence[Answers]) -> Step:
    """Return the numbers of a step from the results of each arm, which all have the same requests."""
    medians, last_medians, completed, failed = [], [], [], []
    for answers in arms:
        n = len(answers)
        times = np.where(answers.timed, answers.response, math.inf)
        medians.append(float(np.median(times)))
        last_medians.append(float(np.median(times[-max(n // 3, 1) :])))
        failed.append(1.0 - answers.count([Kind.OK]) / n)
        sent, done = (_middle_span(column) for column in (answers.scheduled, answers.done))
        completed.append(rate * min(sent / done, 1.0) if done > 0 else rate)
    return Step(
        rate=rate,
        completed=min(completed),
        median=max(medians),
        last_median=max(last_medians),
        failed=max(failed),
    )


def _middle_span(times: Floats) -> float:
    """Return the seconds between the first and the last tenth of the times: single late ones do not matter."""
    first, last = np.quantile(times, [0.1, 0.9])
    return float(last - first)


def is_saturated(step: Step, unloaded: Step) -> bool:
    """Return whether a step was too fast for an arm.

    Args:
        step: The step.
        unloaded: The first step, in which requests hardly meet.
    """
    return (
        step.completed < (1 - RAMP_BACKLOG) * step.rate
        or step.last_median > RAMP_SLOWER * unloaded.median
        or step.failed > unloaded.failed + RAMP_FAILED
    )


def next_rate(steps: Sequence[Step], duration: float) -> float | None:
    """Return the rate of the next step in requests per second; `None` if the ramp has ended.

    The first rate is sent twice: the first time only warms up. The ramp ends if a rate is saturated twice, or if half
    of the rate already gives as many requests as the longest plan has.

    Args:
        steps: The steps so far.
        duration: Duration of the plan in seconds.
    """
    if len(steps) < 2:
        return RAMP_START
    last = steps[-1]
    if is_saturated(last, steps[1]):
        # A pause of the machine can fill a step: only the second saturated step of a rate ends the ramp.
        repeated = steps[-2].rate == last.rate and is_saturated(steps[-2], steps[1])
        return None if repeated else last.rate
    return None if KNEE_SHARE * last.rate >= _useful_rate(duration) else last.rate * RAMP_FACTOR


def knee_of(steps: Sequence[Step]) -> float:
    """Return the knee in requests per second: what the slower arm completed, or the last rate if none was saturated."""
    last = steps[-1]
    if not is_saturated(last, steps[1]):
        return last.rate
    sustained = [step.rate for step in steps[1:] if not is_saturated(step, steps[1])]
    completed = max(step.completed for step in steps if step.rate == last.rate)
    return max(completed, *sustained, 0.0)


def rate_of(steps: Sequence[Step], duration: float) -> float:
    """Return the rate for a plan of `duration` seconds: `KNEE_SHARE` of the knee, with two significant digits."""
    return min(advised_rate(knee_of(steps)), _useful_rate(duration))


def _useful_rate(duration: float) -> float:
    """Return the rate at which a plan has as many requests as the paired verdict uses."""
    return MAX_PAIRS * BLOCK_SIZE / duration
