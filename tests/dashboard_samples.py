"""Records of many deployments with a known course, for tests, pictures and the benchmark of the dashboard."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from ghmlops.core.history.calibration import calibrate
from ghmlops.core.history.deployments import find_deployments
from ghmlops.core.history.hypothesis import parse_hypotheses
from ghmlops.core.history.metric_series import metric_series
from ghmlops.core.history.record import Effect, EvidenceDigest, record_time
from ghmlops.core.history.scaling import scaling
from ghmlops.core.model import Outcome
from ghmlops.core.promotion.record import RungRecord
from ghmlops.core.promotion.weights import Shares
from ghmlops.report.dashboard.data import Dashboard
from history_records import deployment, revert, scaled, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.history.reading import Problem, Stored
    from ghmlops.core.history.record import AnyRecord

START = datetime(2025, 1, 6, 9, tzinfo=UTC)
SERVICES = ("scorer", "ranker")
STEP_AT = 0.6
"""Share of the deployments after which the p99 of every service is a quarter higher."""


def history(count: int, *, hours: float = 12.0, seed: int = 2026) -> list[Stored]:
    """Return the records of `count` deployments: most are live; some are refused, rolled back or reverted."""
    random = np.random.default_rng(seed)
    records: list[AnyRecord] = []
    level = dict.fromkeys(SERVICES, 40.0)
    for number in range(count):
        records += _course(number, count, START + timedelta(hours=hours * number), random, level)
    return stored(*sorted(records, key=lambda record: record.time))


def changes(count: int, *, hours: float = 5.0, service: str = "scorer") -> list[Stored]:
    """Return the records of `count` changes of replicas, the last one of which is a plan that was not set."""
    records, present = [], 4
    for number in range(count):
        replicas = max(2, round(6 - 4 * float(np.cos(number * hours / 24.0 * 2.0 * np.pi))))
        digest = hashlib.sha256(f"scale-{service}-{number}".encode()).hexdigest()
        records.append(
            scaled(
                _iso(START + timedelta(hours=hours * number)), present, replicas, service=service,
                step="up" if replicas > present else "down", applied=number < count - 1,
                evidence=(EvidenceDigest(file="evidence/scale.json", sha256=digest, outcome=Outcome.PASS),),
            )
        )  # fmt: skip
        present = replicas
    return stored(*records)


def dashboard(records: Sequence[Stored], problems: Sequence[Problem] = (), **fields: object) -> Dashboard:
    """Return what the page shows of records, written an hour after the newest one."""
    deployments = find_deployments(records)
    newest = max(record_time(stored.record) for stored in records)
    values: dict[str, object] = {
        "repository": "acme/shop",
        "server_url": "https://github.com",
        "tip": "d" * 40,
        "written": newest + timedelta(hours=1),
        "stale": 36 * 3600.0,
        "deployments": deployments,
        "series": metric_series(deployments),
        "scaling": scaling(records),
        "calibration": calibrate(records),
        "problems": problems,
        "former": {},
    }
    return Dashboard(**{**values, **fields})  # type: ignore[arg-type]


def _course(
    number: int, count: int, time: datetime, random: np.random.Generator, level: dict[str, float]
) -> list[AnyRecord]:
    service = SERVICES[number % len(SERVICES)]
    commit = hashlib.sha1(f"{number}".encode(), usedforsecurity=False).hexdigest()
    kind = random.choice(("live", "refused", "rollback", "revert"), p=(0.86, 0.06, 0.05, 0.03))
    true = float(random.normal(-0.02, 0.05))
    change = true + float(random.normal(0.0, 0.03))
    base = level[service] * (1.25 if number >= STEP_AT * count else 1.0)
    value = base * float(random.lognormal(0.0, 0.02))
    effects = (
        Effect(
            metric="p99", unit="ratio", estimate=change, low=change - 0.09, high=change + 0.09, outcome=Outcome.PASS,
            baseline=value / (1 + change), candidate=value,
        ),
        Effect(metric="auc", unit="", estimate=0.001, low=-0.001, high=0.003, outcome=Outcome.PASS, baseline=0.84,
               candidate=0.84 + 0.01 * float(random.normal())),
        Effect(metric="capacity", unit="1/s", estimate=3.0, low=-5.0, high=11.0, outcome=Outcome.PASS,
               baseline=420.0, candidate=9000.0 / value * float(random.lognormal(0.0, 0.03))),
    )  # fmt: skip
    digests = tuple(
        EvidenceDigest(
            file=f"evidence/{name}.json", sha256=hashlib.sha256(f"{number}-{name}".encode()).hexdigest(),
            command=name, outcome=Outcome.PASS,
        )
        for name in ("latency", "regression")
    )  # fmt: skip
    body = f"Expect: p99 {round(100 * true) - 3:+d}%" if number % 3 == 0 else ""
    fields = {"service": service, "commit": commit, "person": ("ada", "grace", "linus")[number % 3]}
    gate = deployment(
        _iso(time), **fields, effects=effects, evidence=digests, hypothesis=parse_hypotheses(body),
        committed=_iso(time - timedelta(hours=2 + 6 * float(random.random()))), pull_request=number,
        decision="refused" if kind == "refused" else "allowed",
        outcome=Outcome.FAIL if kind == "refused" else Outcome.PASS,
        reason_code="p99-regression" if kind == "refused" else "all-passed",
    )  # fmt: skip
    if kind == "refused":
        return [gate]
    shares = (0.05, 0.25) if kind == "rollback" else (0.05, 0.25, 1.0)
    rungs = tuple(
        RungRecord(
            share=share, shares=Shares(candidate=share, pool=1 - share), since=_iso(time + timedelta(minutes=20 * i)),
            requests={"candidate": 700, "pool": 900}, errors={"candidate": 9 if kind == "rollback" else 0, "pool": 0},
            passed=True,
        )
        for i, share in enumerate(shares, 1)
    )  # fmt: skip
    rolled = kind == "rollback"
    promotion = deployment(
        _iso(time + timedelta(hours=2)), **fields, command="promote", rungs=rungs,
        decision="rollback" if rolled else "complete", outcome=Outcome.FAIL if rolled else Outcome.PASS,
        reason_code="errors" if rolled else "complete", harmed_requests=9 * len(rungs) if rolled else 0,
    )  # fmt: skip
    undone = [revert(_iso(time + timedelta(hours=5)), service=service, commit=commit)] if kind == "revert" else []
    return [gate, promotion, *undone]


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
