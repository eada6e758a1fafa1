"""Every row of the outcomes has one state, and labels younger than `mature` are never used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.production.harvest import Outcomes, Traffic
from ghmlops.measure.harvest.candidates import set_aside
from ghmlops.measure.harvest.log_table import open_logs
from ghmlops.measure.harvest.outcome_join import Join, check_file, join_outcomes
from harvest_logs import START, write_log

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0
TRAFFIC = Traffic(files="logs/*.jsonl", id="request_id", time="ts", score="score")
OUTCOMES = Outcomes(
    file="outcomes.jsonl", key="request_id", label="clicked", time="at", censored="blocked", mature=7 * DAY
)


def join(root: Path, outcomes: Outcomes = OUTCOMES, now: float = START + 10 * DAY) -> Join:
    """Join the files of a folder."""
    with open_logs(root, TRAFFIC, (), 0, {"outcomes": check_file(root, outcomes.file)}) as table:
        set_aside(table, now)
        return join_outcomes(table, table.others["outcomes"], outcomes, now)


def iso(seconds: float) -> str:
    """Return a time as text."""
    return str(np.datetime64(int(seconds), "s")) + "Z"


def row(key: str | None, label: Any, at: float, *, blocked: bool = False) -> dict[str, Any]:
    """Return a row of the outcomes."""
    return {"request_id": key, "clicked": label, "at": iso(at), "blocked": blocked}


def test_every_row_has_one_state(tmp_path: Path) -> None:
    """The states sum to the rows."""
    write_log(
        tmp_path / "logs/a.jsonl",
        [{"request_id": f"r{n}", "ts": START + (n // 10) * DAY, "score": 0.5} for n in range(100)],
    )
    write_log(
        tmp_path / "outcomes.jsonl",
        [
            row("r0", True, START + 60),
            row("r0", True, START + 90),
            row("r1", True, START + 60),
            row("r1", False, START + 70),
            row("gone", True, START),
            row("r2", True, START - 60),
            row("r3", True, START + 60, blocked=True),
            row("r95", True, START + 9 * DAY + 60),
            row("r4", True, START + 8 * DAY),
            row("r5", None, START + 60),
            row(None, True, START),
            row("r6", False, START + 60),
        ],
    )
    result = join(tmp_path)
    assert result.states == {
        "unreadable": 1,
        "duplicate": 1,
        "contradicting": 2,
        "orphan": 1,
        "early": 1,
        "censored": 1,
        "immature": 1,
        "late": 1,
        "unlabelled": 1,
        "matched": 2,
    }
    assert result.mature_requests == 40
    assert [(d.requests, d.outcomes) for d in result.days] == [(10, 2), (10, 0), (10, 0)]


def test_the_area_of_a_day_is_that_of_scikit_learn(tmp_path: Path) -> None:
    """With ties."""
    rng = np.random.default_rng(2)
    scores, labels = rng.integers(0, 20, 300) / 20, rng.integers(0, 2, 300)
    write_log(
        tmp_path / "logs/a.jsonl",
        [{"request_id": f"r{n}", "ts": START + n, "score": float(s)} for n, s in enumerate(scores)],
    )
    rows = [{"request_id": f"r{n}", "clicked": int(label)} for n, label in enumerate(labels)]
    source = str(write_log(tmp_path / "x.jsonl", rows))
    with duckdb.connect() as engine:
        engine.read_json(source).write_parquet(str(tmp_path / "outcomes.parquet"))
    outcomes = Outcomes(file="outcomes.parquet", key="request_id", label="clicked", mature=7 * DAY)
    (day,) = join(tmp_path, outcomes).days
    positive, negative = scores[labels == 1], scores[labels == 0]
    pairs = (positive[:, None] > negative).mean() + 0.5 * (positive[:, None] == negative).mean()
    assert day.auc == pytest.approx(pairs)
    assert (day.positives, day.negatives) == (len(positive), len(negative))


def test_files_and_columns_that_do_not_exist(tmp_path: Path) -> None:
    """One clear error."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": "r1", "ts": START}])
    with pytest.raises(DataError, match="no such file"):
        join(tmp_path)
    write_log(tmp_path / "outcomes.jsonl", [{"request_id": "r1", "label": 1}])
    with pytest.raises(DataError, match="clicked"):
        join(tmp_path)
