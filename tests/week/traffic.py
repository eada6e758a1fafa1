"""The traffic of the week: what a real service measured and answered, laid out over the hours of a seeded demand."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from week.offered_load import offer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HOUR = 3600
LEVELS = (17.0, 31.0, 62.0, 110.0)
"""Requests per second of one replica at which response times are measured."""
REPEATS = 3
"""Measurements of a level; odd."""
PEAK_HOURS = range(19, 22)
SHAPE = {**dict.fromkeys(range(24), 122.0), **dict.fromkeys(range(6), 33.0), **dict.fromkeys(PEAK_HOURS, 330.0)}
"""Requests per second in each hour of the day."""
LOGGED = 0.9
"""Requests of an hour that are in the log, per request per second: 30 at night, and 300 in the evening."""
DELAY = timedelta(hours=3)
"""Time from a request to its outcome."""
NOISE = 0.03
"""Standard deviation of the logarithm of the demand of an interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one version of the service did under load.

    Attributes:
        seconds: Requests per second to the response times.
        scores: Score of each payload.
    """

    seconds: Mapping[float, Sequence[float]]
    scores: Sequence[float]

    def times(self, rate: float) -> Sequence[float]:
        """Return the response times of the nearest level."""
        return self.seconds[min(self.seconds, key=lambda level: abs(math.log(level / rate)))]


def measure(port: int, bodies: Sequence[bytes], seconds: float, levels: Sequence[float] = LEVELS) -> Measured:
    """Return what the service at a port does, with `seconds` of load for each level.

    Raises:
        AssertionError: It did not answer a payload.
    """
    scores: list[float | None] = [None] * len(bodies)
    times: dict[float, list[float]] = {}
    for level in levels:
        runs = [offer(port, level, seconds, bodies, seed) for seed in range(REPEATS)]
        # Work of others on this machine is no property of the version: the run in the middle counts, after its start.
        ordered = sorted(([answer.seconds for answer in run[len(run) // 3 :]] for run in runs), key=_p95)
        times[level] = ordered[REPEATS // 2]
    for answer in offer(port, 80.0, len(bodies) / 80.0, bodies):
        scores[answer.payload] = answer.score
    values = [score for score in scores if score is not None]
    assert len(values) == len(bodies), "the service did not answer every payload"
    return Measured(seconds=times, scores=values)


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(0.95 * len(seconds))]


def demand(moment: datetime, doubled: datetime) -> float:
    """Return the requests per second of all users; from `doubled` on twice as many come."""
    noise = random.Random(f"demand {moment.isoformat()}").gauss(0.0, NOISE)  # noqa: S311  (reproducible)
    return SHAPE[moment.hour] * (2.0 if moment >= doubled else 1.0) * math.exp(noise)


@dataclass(slots=True, kw_only=True)
class Users:
    """Users, who click by a rule that the model learned, until it changes.

    Attributes:
        bodies: The payloads.
        drift: When the rule changes.
    """

    bodies: Sequence[Mapping[str, Any]]
    drift: datetime

    def chance(self, payload: int, moment: datetime) -> float:
        """Return the probability of a click."""
        x, y = self.bodies[payload]["features"]
        value = -1.0 + (0.2 * x + 2.0 * y if moment >= self.drift else 2.0 * x)
        return 1.0 / (1.0 + math.exp(-value))


@dataclass(slots=True, kw_only=True)
class Log:
    """The log of the service, one file per day, and the outcomes that came so far.

    Attributes:
        folder: Folder with `logs` and `outcomes.jsonl`.
        users: Who sends and clicks.
        waiting: Outcomes that come later, with their time.
    """

    folder: Path
    users: Users
    waiting: list[tuple[datetime, str]] = field(default_factory=list)

    def write_hour(self, start: datetime, rate: float, replicas: int, measured: Measured) -> None:
        """Append an hour of requests, and the outcomes that came within it.

        Args:
            start: The hour.
            rate: Requests per second of all users.
            replicas: Replicas that share them.
            measured: What the version that serves did under load.
        """
        rng = random.Random(f"log {start.isoformat()}")  # noqa: S311  (reproducible)
        times, lines = measured.times(rate / replicas), []
        for offset in sorted(rng.uniform(0.0, HOUR) for _ in range(round(rate * LOGGED))):
            payload, moment = rng.randrange(len(self.users.bodies)), start + timedelta(seconds=offset)
            name = f"req-{rng.getrandbits(96):024x}"
            row = {
                "request_id": name,
                "ts": moment.timestamp(),
                "seconds": round(rng.choice(times), 6),
                "request": self.users.bodies[payload],
                "response": {"p_click": measured.scores[payload]},
            }
            lines.append(json.dumps(row) + "\n")
            clicked = int(rng.random() < self.users.chance(payload, moment))
            outcome = {"request_id": name, "clicked": clicked, "at": (moment + DELAY).timestamp()}
            self.waiting.append((moment + DELAY, json.dumps(outcome) + "\n"))
        (self.folder / "logs").mkdir(exist_ok=True)
        with (self.folder / "logs" / f"{start.astimezone(UTC):%Y-%m-%d}.jsonl").open("a") as file:
            file.writelines(lines)
        end = start + timedelta(seconds=HOUR)
        with (self.folder / "outcomes.jsonl").open("a") as file:
            file.writelines(line for moment, line in self.waiting if moment <= end)
        self.waiting = [row for row in self.waiting if row[0] > end]
