"""Logs of live requests for the tests of `harvest`: seeded requests, and lines that are wrong in one way each."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import pytest

from ghmlops import cli

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo
    from pathlib import Path

START = 1_780_272_000.0
"""2026-06-01T00:00:00Z."""
POLICY = """\
version: 1
service: scorer
harvest:
  traffic: {files: "logs/*.jsonl", id: request_id, time: ts, body: request, client: client}
  keep: {fields: [device, country, features], slices: [device, country], rows: 100}
"""


def requests(count: int, seed: int = 1, start: float = START) -> list[dict[str, object]]:
    """Return requests with one in a hundred of a rare device, a mail address that nobody asked for, and 40 clients."""
    rng = random.Random(seed)  # noqa: S311  (reproducible)
    return [
        {
            "request_id": f"req-{rng.getrandbits(96):024x}",
            "ts": start + index,
            "client": f"client-{index % 40:04d}",
            "request": {
                "device": "tv" if index % 100 == 0 else "phone",
                "country": rng.choice(["DE", "FR"]),
                "features": [round(rng.random(), 6), index % 7],
                "mail": f"person{index}@example.org",
            },
        }
        for index in range(count)
    ]


def write_log(path: Path, lines: Iterable[object]) -> Path:
    """Write a log; texts are written as they are, everything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def run_at(time: str, *args: str) -> int:
    """Run the command `harvest` with the clock at a time (UTC)."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromisoformat(time).replace(tzinfo=tz or UTC)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "datetime", Clock)
        return cli.main(["harvest", "--policy", "policy.yml", *args])
