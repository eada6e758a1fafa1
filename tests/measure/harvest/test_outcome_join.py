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


def write_outcomes(root: Path, rows: list[dict[str, Any]], ending: str, select: str = "*") -> Outcomes:
    """Write outcomes in a format, and return the section of the policy."""
    source = str(write_log(root / "rows.jsonl", rows))
    path = root / f"outcomes{ending}"
    with duckdb.connect() as engine:
        if ending == ".jsonl":
            write_log(path, rows)
        else:
            kind = ending.removeprefix(".")
            engine.execute(f"COPY (SELECT {select} FROM read_json('{source}')) TO '{path}' (FORMAT {kind})")  # noqa: S608
    columns = {"time": "at"} if "at" in rows[0] else {}
    return Outcomes(file=path.name, key="request_id", label="clicked", mature=2 * DAY, **columns)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("unit", [1, 1_000, "iso", "offset"])
def test_times_of_outcomes_in_every_spelling(tmp_path: Path, ending: str, unit: int | str) -> None:
    """The second outcome is late in all of them."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": f"r{n}", "ts": START, "score": 0.5} for n in range(2)])
    moments = [START + 60, START + 3 * DAY]
    times: list[str | int] = [int(moment) * unit for moment in moments] if isinstance(unit, int) else []
    if unit == "iso":
        times = [iso(moment) for moment in moments]
    elif unit == "offset":
        times = [iso(moment + 7200).replace("T", " ").replace("Z", "+02:00") for moment in moments]
    rows = [{"request_id": f"r{n}", "clicked": 1, "at": time} for n, time in enumerate(times)]
    states = join(tmp_path, write_outcomes(tmp_path, rows, ending)).states
    assert (states["matched"], states["late"]) == (1, 1)


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("time", ["29.11.2025 10:00", "soon", 0, "1970-01-01T00:00:00Z"])
def test_times_that_are_none_are_an_error(tmp_path: Path, ending: str, time: str | int) -> None:
    """An outcome whose time is unknown might be a late one; the message does not quote it."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": "r0", "ts": START}])
    rows = [{"request_id": "r0", "clicked": 1, "at": time}, {"request_id": "r0", "clicked": 1, "at": None}]
    outcomes = write_outcomes(tmp_path, rows, ending)
    with pytest.raises(DataError, match="1 of 2 rows") as error:
        join(tmp_path, outcomes)
    assert str(time) not in error.value.message.replace("1 of 2", "")


def test_a_censoring_that_is_no_boolean_is_an_error(tmp_path: Path) -> None:
    """It would count as not censored."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": "r0", "ts": START}])
    write_log(tmp_path / "outcomes.jsonl", [{**row("r0", 1, START), "blocked": "perhaps"}])
    with pytest.raises(DataError, match="blocked"):
        join(tmp_path)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("logged", "outcome", "select"),
    [
        ("6FA459EA-EE8A-3CA4-894E-DB77E160355E", "6FA459EA-EE8A-3CA4-894E-DB77E160355E", "*"),
        ("6FA459EA-EE8A-3CA4-894E-DB77E160355E", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "*"),
        (17, 17, "* REPLACE (CAST(request_id AS DOUBLE) AS request_id)"),
        (1234567890123456, 1234567890123456, "* REPLACE (CAST(request_id AS DOUBLE) AS request_id)"),
        ("007", "007", "* REPLACE (CAST(request_id AS VARCHAR) AS request_id)"),
        ("2026-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "*, '2026-06-01T00:00:00Z' AS request_id, 1 AS clicked"),
    ],
)
def test_identifiers_are_compared_as_they_are_written(
    tmp_path: Path, ending: str, logged: object, outcome: object, select: str
) -> None:
    """Whatever type the engine takes them for."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": logged, "ts": START}])
    select = select.replace("*, ", "") if ", 1 AS" in select else select
    outcomes = write_outcomes(tmp_path, [{"request_id": outcome, "clicked": 1}], ending, select)
    assert join(tmp_path, outcomes).states["matched"] == 1


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("labels", "contradicting"),
    [
        (["no", "n", "maybe"], 2),
        (["no", "no", "yes"], 0),
        ([True, True, False], 0),
        ([1.0, 1, 0], 0),
        (["true", "1", "0.0"], 0),
        (["1", "true", "2"], 2),
    ],
)
def test_labels_are_the_same_only_if_all_are_binary(
    tmp_path: Path, ending: str, labels: list[object], contradicting: int
) -> None:
    """Two outcomes of one request, and one of another."""
    write_log(tmp_path / "logs/a.jsonl", [{"request_id": f"r{n}", "ts": START} for n in range(2)])
    rows = [{"request_id": f"r{n // 2}", "clicked": label} for n, label in enumerate(labels)]
    states = join(tmp_path, write_outcomes(tmp_path, rows, ending)).states
    assert states["contradicting"] == contradicting
    assert states["matched"] == (1 if contradicting else 2)
