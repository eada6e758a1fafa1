"""Answers of two models are joined with the requests, whatever types their columns have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest

from ghmlops.core.harvest.golden import Disagreements
from ghmlops.core.policy.production import harvest as policy
from ghmlops.measure.harvest.candidates import set_aside
from ghmlops.measure.harvest.disagreements import join_answers
from ghmlops.measure.harvest.log_table import open_logs
from ghmlops.measure.harvest.outcome_join import join_outcomes
from harvest_logs import START, write_log

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400.0
TRAFFIC = policy.Traffic(files="logs/*.jsonl", id="request_id", time="ts")
OUTCOMES = policy.Outcomes(file="outcomes.jsonl", key="request_id", label="clicked", mature=DAY)
ANSWERS = policy.Disagreements(baseline="baseline.parquet", candidate="candidate.parquet", value="label")
UUID = "0b8f7c9e-1111-4222-8333-00000000000{}"


def join(root: Path, ids: list[object], baseline: str, candidate: str) -> tuple[Disagreements, list[float]]:
    """Join the rows of two SQL queries with requests; return the counts, and the distances of what differs."""
    write_log(root / "logs/a.jsonl", [{"request_id": name, "ts": START} for name in ids])
    write_log(root / "outcomes.jsonl", [{"request_id": name, "clicked": True} for name in ids])
    files = {"outcomes": root / OUTCOMES.file}
    with duckdb.connect() as engine:
        for arm, query in (("baseline", baseline), ("candidate", candidate)):
            files[arm] = root / f"{arm}.parquet"
            engine.sql(query).write_parquet(str(files[arm]))
    with open_logs(root, TRAFFIC, (), 0, files) as table:
        set_aside(table, START + 9 * DAY)
        join_outcomes(table, table.others["outcomes"], OUTCOMES, START + 9 * DAY)
        counts = join_answers(table, ANSWERS)
        rows = table.rows("SELECT distance FROM disagreements WHERE state = 'different' ORDER BY distance")
    return counts, [float(str(distance)) for (distance,) in rows]


def test_identifiers_are_those_of_the_logs(tmp_path: Path) -> None:
    """A column with gaps has its whole numbers as 17.0."""
    counts, distances = join(
        tmp_path,
        [17, 18],
        "SELECT * FROM (VALUES (17.0::DOUBLE, 1), (18.0, 1)) t(request_id, label)",
        "SELECT * FROM (VALUES (17, 1.0::DOUBLE), (18, 0.0), (18, 0.0)) t(request_id, label)",
    )
    assert counts == Disagreements(equal=1, different=1, usable=1)
    assert distances == [1.0]


def test_uuids_are_equal_in_capitals(tmp_path: Path) -> None:
    """As in the outcomes: the type for UUIDs writes small letters."""
    values = f"(VALUES ('{UUID.format(1)}'::UUID, true), ('{UUID.format(2)}'::UUID, false)) t(request_id, label)"
    counts, _ = join(
        tmp_path,
        [UUID.format(1).upper(), UUID.format(2).upper()],
        f"SELECT * FROM {values}",  # noqa: S608  (ours)
        f"SELECT upper(request_id::VARCHAR) AS request_id, true AS label FROM {values}",  # noqa: S608  (ours)
    )
    assert (counts.equal, counts.different, counts.usable, counts.unpaired) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("baseline", "candidate", "distances"),
    [
        ("'NaN'::DOUBLE", "NULL::DOUBLE", []),
        ("NULL::DOUBLE", "0.5::DOUBLE", [float("inf")]),
        ("'infinity'::DOUBLE", "'infinity'::DOUBLE", []),
        ("[1, 2]", "[1, 2]", []),
        ("[1, 2]", "[2, 1]", [float("inf")]),
        ("'a'", "'A'", [float("inf")]),
    ],
)
def test_values_of_every_type_are_compared(
    tmp_path: Path, baseline: str, candidate: str, distances: list[float]
) -> None:
    """NaN stands for a missing value, and what is no number differs wholly or not at all."""
    query = "SELECT 'other' AS request_id, {} AS label UNION ALL SELECT 'r1', {}"
    some = {"'NaN'::DOUBLE": "1.0", "NULL::DOUBLE": "1.0"}
    _, result = join(
        tmp_path,
        ["r1", "other"],
        query.format(some.get(baseline, baseline), baseline),
        query.format(some.get(candidate, some.get(baseline, baseline)), candidate),
    )
    assert result == distances
