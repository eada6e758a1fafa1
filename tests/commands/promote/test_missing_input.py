"""What is missing is never healthy: an access log that was damaged in any way lets no candidate pass a rung."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.targets import read_shares
from ghmlops.commands.promote.deployment import Deployment
from ghmlops.commands.promote.inputs import Inputs
from ghmlops.commands.promote.job import prepare
from ghmlops.commands.promote.walk import Walk
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.steps.gate import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.promotion.record import PromotionRecord
    from ghmlops.core.promotion.weights import Shares

    Damage = Callable[[dict[str, Any]], dict[str, Any] | None]

POLICY = """\
version: 1
service: shop
promote:
  target: {dry-run: {}}
  ladder: [25%, 100%]
  rung: {min-requests: 0, max-duration: 60s, settle: 5s, bake: 0s}
  judge: {errors: 1%, latency: off}
  observe: {access-log: log.jsonl, format: jsonl}
  watch: 0s
"""
RATE = 200
"""Requests per second, and per look at the log, which is one second here."""


@dataclass(slots=True)
class Traffic:
    """A clock whose seconds bring the requests that a router with these weights would log."""

    path: Path
    shares: Callable[[], Shares]
    damage: Damage
    moment: float = 1_800_000_000.0
    number: int = 0

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.moment, UTC)

    def sleep(self, _seconds: float) -> None:
        """Let one second pass, with its requests."""
        share, lines = self.shares(), list[str]()
        for index in range(RATE):
            self.number += 1
            place = self.number * 0.618033988749895 % 1.0  # evenly spaced, whatever the share
            arm = (
                "candidate"
                if place < share.candidate
                else "twin"
                if place < share.candidate + share.twin
                else "baseline"
            )
            seconds = 0.010 * (1.0 + 0.2 * math.sin(self.number))
            row = self.damage({"at": self.moment + index / RATE, "arm": arm, "seconds": seconds, "status": 200})
            if row is not None:
                lines.append(json.dumps(row) + "\n")
        with self.path.open("a") as stream:
            stream.writelines(lines)
        self.moment += 1.0


def promotion(folder: Path, services: Services, damage: Damage) -> PromotionRecord:
    """Return the record of a promotion whose log is damaged."""
    (folder / "policy.yml").write_text(POLICY)
    (folder / "log.jsonl").touch()
    job = prepare(Inputs(policy="policy.yml", commit="a" * 40), services)
    traffic = Traffic(job.log_path, lambda: read_shares(job.target), damage)
    deployment = Deployment(
        recorded=None, others=(), target=Target(service="shop", environment=""), client=None, note=lambda _text: None
    )
    walk = Walk(
        job=job,
        deployment=deployment,
        now=traffic.now,
        sleep=traffic.sleep,
        note=lambda _text: None,
        run_url="",
    )
    return walk.run(resume=False)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Return services whose working directory is empty."""
    console = Console(stream=io.StringIO())
    return Services(
        context=Context(), environ={}, cwd=tmp_path, now=lambda: datetime(2027, 1, 1, tzinfo=UTC), console=console
    )


def of(arm: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Damage:
    """Return the damage of one arm's lines; `all`: of every line."""
    return lambda row: change(row) if arm in ("all", row["arm"]) else row


DAMAGES: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
    "drop": lambda _row: None,
    "NaN time": lambda row: {**row, "at": math.nan},
    "NaN response": lambda row: {**row, "seconds": math.nan},
    "NaN status": lambda row: {**row, "status": math.nan},
    "no status": lambda row: {name: value for name, value in row.items() if name != "status"},
    "text status": lambda row: {**row, "status": "200"},
    "null response": lambda row: {**row, "seconds": None},
    "renamed field": lambda row: {("latency" if name == "seconds" else name): value for name, value in row.items()},
    "renamed arm": lambda row: {**row, "arm": f"{row['arm']}-2"},
    "delay": lambda row: {**row, "at": row["at"] - 3600.0},
}


def test_a_whole_log_is_healthy(tmp_path: Path, services: Services) -> None:
    """The same traffic without damage is promoted."""
    assert promotion(tmp_path, services, lambda row: row).decision == "complete"


@pytest.mark.parametrize("arm", ["all", "candidate", "twin", "baseline"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_never_passes(tmp_path: Path, services: Services, damage: str, arm: str) -> None:
    """Hold at the first rung, which has not passed, even if no number of requests is demanded."""
    record = promotion(tmp_path, services, of(arm, DAMAGES[damage]))
    assert record.decision == "hold"
    assert [rung.passed for rung in record.rungs] == [False]
    assert record.shares.candidate == 0.25
