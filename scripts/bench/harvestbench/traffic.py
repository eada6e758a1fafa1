"""H1 to H5 and H7: demand, speed, secrets, outcomes, golden set and dispatch."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import msgspec
import numpy as np

from ghmlops.core.harvest.demand import ArrivalCounts, count_hour, fit_demand, measure_burstiness
from ghmlops.core.policy.latency import Trace
from ghmlops.measure.requests.trace import read_trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Arrivals = Callable[[float, np.random.Generator], Floats]

HOUR, WEEK = 3600.0, 168
MONDAY = 20_605 * 86_400
"""2026-06-01."""


def poisson(rate: float, rng: np.random.Generator) -> Floats:
    """Independent requests."""
    return np.sort(rng.random(rng.poisson(rate * HOUR)) * HOUR)


def regular(rate: float, rng: np.random.Generator) -> Floats:
    """Gaps with half the variation of independent requests."""
    times = np.cumsum(rng.gamma(4.0, 0.25 / rate, int(rate * HOUR * 1.4) + 10))
    return times[times < HOUR]


def sessions(rate: float, rng: np.random.Generator) -> Floats:
    """Clusters of about eight requests within some seconds."""
    starts = rng.random(rng.poisson(rate * HOUR / 8)) * HOUR
    sizes = rng.poisson(8, len(starts))
    times = np.repeat(starts, sizes) + rng.exponential(2.0, sizes.sum())
    return np.sort(times[times < HOUR])


def bursts(rate: float, rng: np.random.Generator) -> Floats:
    """A service that is asked in spells of ten seconds, a third of the time."""
    parts, now, busy = [], 0.0, True
    while now < HOUR:
        length = rng.exponential(10.0 if busy else 20.0)
        if busy:
            parts.append(now + np.sort(rng.random(rng.poisson(3 * rate * length)) * length))
        now, busy = now + length, not busy
    times = np.concatenate(parts)
    return times[times < HOUR]


FAMILIES: dict[str, Arrivals] = {"poisson": poisson, "regular": regular, "sessions": sessions, "bursts": bursts}


def demand(folder: Path, seed: int) -> list[list[object]]:
    """H1: the load that a profile gives on a compressed clock, compared with the log it was fitted to."""
    table: list[list[object]] = []
    for number, (name, family) in enumerate(FAMILIES.items()):
        rng = np.random.default_rng([seed, number])
        rates = 1.0 * (1 + 0.8 * np.sin(np.arange(WEEK) * 2 * np.pi / 24)) * np.where(np.arange(WEEK) < 120, 1.0, 0.6)
        rows = [count_hour(family(rate, rng), int(MONDAY // HOUR) + h) for h, rate in enumerate(rates)]
        fit = fit_demand(ArrivalCounts(rows, MONDAY, MONDAY + WEEK * HOUR - 1, whole_seconds=False), WEEK * HOUR, seed)
        path = folder / "demand.json"
        path.write_bytes(msgspec.json.encode(fit.profile))
        speed = 168.0
        trace = read_trace(path, path.name, Trace(file=path.name, speed=speed))
        # Send times on the compressed clock, back on that of the log.
        first = (np.datetime64(trace.first[:19]) - np.datetime64(MONDAY, "s")) / np.timedelta64(1, "s")
        times = trace.times / speed * speed + first
        loads = [count_hour(times[(times >= h * HOUR) & (times < (h + 1) * HOUR)] - h * HOUR, h) for h in range(WEEK)]
        log, load = measure_burstiness(rows), measure_burstiness(loads)
        inside = [
            abs(a.requests - b.requests) <= max(0.02 * b.requests, 3 * np.sqrt(b.requests))
            for a, b in zip(loads, rows, strict=True)
        ]
        errors = [abs((b or 0) / (a or 1) - 1) for a, b in zip(log, load, strict=True)]
        table.append(
            [name, f"{sum(inside)} of {WEEK}", *(f"{e:.1%}" for e in errors), all(inside) and max(errors) < 0.1]
        )
    return table


class Speed(NamedTuple):
    """Wall time, processor time and peak memory of one run."""

    lines: int
    size: float
    seconds: float
    cpu: float
    memory: float
    slices: str


POLICY = """\
version: 1
service: bench
harvest:
  traffic: {files: "logs/*.jsonl", id: request_id, time: ts, body: request, client: client}
  keep: {fields: [device, country, features], slices: [device, country], rows: 20000}
  demand: {period: 1h}
"""


def speed(folder: Path, lines: int) -> Speed:
    """H2: one run over a log with lines of about 300 bytes, in a process of its own."""
    root = folder / "speed"
    (root / "logs").mkdir(parents=True)
    (root / "policy.yml").write_text(POLICY)
    log = root / "logs/a.jsonl"
    with duckdb.connect() as engine:
        rows = engine.sql(
            "SELECT md5(i::VARCHAR) AS request_id, 1780272000 + i * 7200.0 / ? AS ts, 'c' || i % 5000 AS client, "
            "{device: CASE WHEN i % 100000 = 0 THEN 'tv' ELSE 'phone' END, country: 'c' || i % 60, features: "
            "[random(), random(), i % 13], mail: 'p' || i || '@example.org', pad: repeat('x', 75)} AS request "
            "FROM range(?) t(i)",
            params=[lines, lines],
        )
        rows.query("rows", f"COPY rows TO '{log}' (FORMAT json)")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    command = [sys.executable, "-m", "ghmlops", "harvest", "--policy", "policy.yml", "--now", "2026-07-01"]
    subprocess.run(command, cwd=root, check=True, capture_output=True, env={**os.environ, "GITHUB_ACTIONS": ""})
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    slices = json.loads((root / "evidence/harvest.json").read_text())["details"]["slices"]
    complete = sum(row["rows"] >= min(30, row["requests"]) for row in slices)
    size = log.stat().st_size / lines
    log.unlink()
    return Speed(lines, size, seconds, cpu, after.ru_maxrss / 1024, f"{complete} of {len(slices)}")


def secrets(folder: Path, seed: int) -> tuple[int, int, int]:
    """H3: secrets and identifiers planted into bodies, kept fields and other keys; how many are in any output."""
    rng = np.random.default_rng(seed)

    def digits(count: int) -> str:
        return "".join(str(int(digit)) for digit in rng.integers(0, 10, count))

    kinds: list[Callable[[], str]] = [
        lambda: f"user{digits(9)}@mail.example.org",
        lambda: f"+49 17{digits(8)}",
        lambda: "AKIA" + "".join(rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), 16)),
        lambda: "ghp_" + "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz0123456789"), 36)),
        lambda: f"password={digits(12)}",
        lambda: f"198.51.{rng.integers(0, 255)}.{rng.integers(0, 255)}",
        lambda: f"{digits(8)}-{digits(4)}-4{digits(3)}-8{digits(3)}-{digits(12)}",
        lambda: f"postgres://app:{digits(10)}@db/x",
    ]
    plants = [kinds[n % len(kinds)]() for n in range(500)]
    root = folder / "secrets"
    (root / "logs").mkdir(parents=True)
    (root / "policy.yml").write_text(POLICY.replace("  demand: {period: 1h}\n", ""))
    with (root / "logs/a.jsonl").open("w") as stream:
        for n in range(20_000):
            request: dict[str, object] = {"device": "phone", "country": "DE", "features": [n % 7]}
            line: dict[str, object] = {
                "request_id": f"id-{n:08d}",
                "ts": 1_780_272_000 + n,
                "client": f"c-{n % 40:06d}",
            }
            if n % 40 == 0:
                plant = plants[n // 40]
                where = n // 40 // len(kinds) % 4  # each kind in each place
                places: tuple[dict[str, object], ...] = (
                    {"features": [plant]},
                    {"device": f"a {plant} b"},
                    {"note": plant},
                    {plant: 1},
                )
                request |= places[where]
            stream.write(json.dumps(line | {"request": request}) + "\n")
    command = [sys.executable, "-m", "ghmlops", "harvest", "--policy", "policy.yml", "--now", "2026-07-01"]
    run = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    with duckdb.connect() as engine:
        bodies = engine.read_parquet(str(root / "data/requests.parquet")).fetchall()
    outputs = [run.stdout, run.stderr, (root / "evidence/harvest.json").read_text(), *(str(row) for row in bodies)]
    leaks = sum(any(plant in text for text in outputs) for plant in plants)
    identifiers = sum("id-0" in text or "c-0" in text for text in outputs)
    return leaks, identifiers, len(bodies)
