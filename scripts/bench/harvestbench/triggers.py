"""H6: triggers of a training on streams of days: ours, ADWIN, Page-Hinkley, a yearly one, and none."""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special

from ghmlops.core.harvest.daily import DayRow
from ghmlops.core.harvest.retraining import Prices, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Trigger = Callable[[Sequence[DayRow], int], bool]

PRICES = Prices(training=200.0, point_per_day=10.0)
MATURE, COOLDOWN, DAYS = 7, 7, 365
LEVEL = 0.80


class Stream(NamedTuple):
    """True area under the ROC curve of a model that is never trained again, by day, and rows of each class per day."""

    name: str
    decline: Floats
    labels: int
    scatter: float


def make_streams(rng: np.random.Generator, count: int) -> list[Stream]:
    """Return streams that are stationary, fall once, fall slowly, or change again and again."""
    streams = []
    for number in range(count):
        kind = ("stationary", "sudden", "gradual", "recurring")[number % 4]
        days = np.arange(DAYS, dtype=np.float64)
        onset, depth = rng.integers(30, 300), rng.uniform(0.02, 0.10)
        decline = {
            "stationary": np.zeros(DAYS),
            "sudden": np.where(days >= onset, depth, 0.0),
            "gradual": np.clip((days - onset) / 90, 0, 1) * depth,
            "recurring": depth * np.floor(days / rng.integers(60, 120)),
        }[kind]
        streams.append(Stream(kind, decline, int(rng.integers(150, 1_500)), float(rng.uniform(0.0, 0.01))))
    return streams


def observe(area: float, stream: Stream, day: int, rng: np.random.Generator) -> DayRow:
    """Return a day whose area is measured on scores of two normal distributions."""
    true = min(max(area + rng.normal(0.0, stream.scatter), 0.5), 0.99)
    shift = np.sqrt(2.0) * special.ndtri(true)
    negative, positive = rng.normal(size=stream.labels), rng.normal(shift, 1.0, stream.labels)
    ranks = np.searchsorted(np.sort(negative), positive).sum()
    return DayRow(day, 10_000, 2 * stream.labels, stream.labels, stream.labels, float(ranks) / stream.labels**2)


def run_stream(stream: Stream, trigger: Trigger, rng: np.random.Generator) -> tuple[int, float]:
    """Return the number of trainings, and what they and the decline cost. A training takes effect on the next day."""
    rows: list[DayRow] = []
    trained, trainings, cost, base = 0, 0, 0.0, 0.0
    for day in range(DAYS):
        loss = max(float(stream.decline[day]) - base, 0.0)
        cost += loss / 0.01 * PRICES.point_per_day
        rows.append(observe(LEVEL - loss, stream, day, rng))
        mature = rows[: day - MATURE + 1] if day >= MATURE else []
        if day - trained >= COOLDOWN and mature and trigger(mature, trained):
            trainings += 1
            cost += PRICES.training
            base, trained = float(stream.decline[day]), day + 1
    return trainings, cost


def ours(rows: Sequence[DayRow], trained: int) -> bool:
    """The trigger of `harvest`."""
    return decide(rows, PRICES, horizon=float(COOLDOWN), since=trained).retrain


def yearly(rows: Sequence[DayRow], trained: int) -> bool:
    """A training once a year, in its middle."""
    return rows[-1].day >= DAYS // 2 and trained == 0


def never(_rows: Sequence[DayRow], _trained: int) -> bool:
    """No training."""
    return False


def page_hinkley(threshold: float) -> Trigger:
    """Page (1954): the area of a day against its mean since the last training."""

    def trigger(rows: Sequence[DayRow], trained: int) -> bool:
        values = np.array([row.auc for row in rows if row.day >= trained], np.float64)
        if len(values) < 2:
            return False
        means = np.cumsum(values) / np.arange(1, len(values) + 1)
        sums = np.cumsum(means - values - 0.002)
        return bool(sums[-1] - sums.min() > threshold)

    return trigger


def adwin(delta: float) -> Trigger | None:
    """ADWIN of river; `None` if it is not installed."""
    if importlib.util.find_spec("river") is None:
        return None
    drift: Any = importlib.import_module("river.drift")

    def trigger(rows: Sequence[DayRow], trained: int) -> bool:
        detector: Any = drift.ADWIN(delta=delta, clock=1, grace_period=5)
        values = [row.auc for row in rows if row.day >= trained]
        fell = False
        for value in values:
            before = detector.estimation
            detector.update(value)
            fell = bool(detector.drift_detected and detector.estimation < before)
        return fell

    return trigger


def evaluate(trigger: Trigger, streams: Sequence[Stream], seed: int) -> dict[str, tuple[float, float]]:
    """Return trainings and cost per stream, by kind."""
    results: dict[str, list[tuple[int, float]]] = {}
    for number, stream in enumerate(streams):
        results.setdefault(stream.name, []).append(run_stream(stream, trigger, np.random.default_rng([seed, number])))
    return {kind: (float(np.mean([n for n, _ in r])), float(np.mean([c for _, c in r]))) for kind, r in results.items()}


def tune(make: Callable[[float], Trigger | None], values: Sequence[float], streams: Sequence[Stream]) -> float:
    """Return the value with the lowest total cost on the streams for tuning."""

    def total(value: float) -> float:
        trigger = make(value)
        return np.inf if trigger is None else sum(cost for _, cost in evaluate(trigger, streams, 1).values())

    return min(values, key=total)
