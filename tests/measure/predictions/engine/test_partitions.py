"""A partition folder whose column is also in the files: the values of the files count, and differences are reported."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.model import Outcome
from ghmlops.core.paired.attributes import WINDOW
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.open import open_session
from prediction_artifacts import BINARY, rows, write

if TYPE_CHECKING:
    from pathlib import Path

N = 480


def partitioned(root: Path, folder: str, content: dict[str, Any]) -> Source:
    path = root / folder / "part-0.parquet"
    path.parent.mkdir(parents=True)
    return Source(files=(write(path, content),), display_name=root.name, hive_root=root)


def observe(tmp_path: Path, folder: str, extra: dict[str, Any], **policy: Any) -> Any:
    sides = {
        role: partitioned(tmp_path / role, folder, rows(N, seed) | extra)
        for role, seed in (("baseline", 1), ("candidate", 2))
    }
    return artifacts.observe(sides, replace(BINARY, **policy))


def test_hours_within_the_day_of_a_folder_are_kept(tmp_path: Path) -> None:
    """Times of 24 hours below `date=2024-01-05` give 24 windows, and agree with the folder."""
    hours = np.datetime64("2024-01-05T00:00", "us") + (np.arange(N) % 24).astype("timedelta64[h]")
    result = observe(tmp_path, "date=2024-01-05", {"date": pa.array(hours)}, time="date", window="1h", minimum_rows=5)
    assert len(result.tables[(WINDOW,)].keys) == 24
    assert result.facts.schema.partition_differences == (("date", "baseline", 0, N), ("date", "candidate", 0, N))
    assert "contract-partition-values" not in artifacts.contract_outcomes(result)


@pytest.mark.parametrize(
    ("folder", "values", "differing"),
    [
        ("region=eu", ["eu-north", "eu"] * (N // 2), N // 2),
        ("Region=eu", ["eu"] * N, 0),
        ("region=__HIVE_DEFAULT_PARTITION__", [None, "eu"] * (N // 2), N // 2),
        ("region=7", [7] * N, 0),
        ("region=7", [7, 8, 9] * (N // 3), 2 * N // 3),
        ("region=x%2Fy", ["x/y"] * N, 0),
        ("region=today", [datetime.date(2024, 1, 5)] * N, N),
    ],
)
def test_other_values_are_counted_and_the_files_win(folder: str, values: Any, differing: int, tmp_path: Path) -> None:
    """Texts, numbers, nulls and encoded names; a key in other letters is the same column."""
    result = observe(tmp_path, folder, {"region": pa.array(values)}, slices=(("region",),), minimum_rows=1)
    assert [row[2:] for row in result.facts.schema.partition_differences] == [(differing, N)] * 2
    assert len({key[0] for key in result.tables[("region",)].keys}) == len(set(values))
    outcomes = artifacts.contract_outcomes(result)
    assert outcomes.get("contract-partition-values") == (Outcome.WARN if differing else None)


def test_the_other_keys_of_a_path_stay_columns(tmp_path: Path) -> None:
    """Only the key that the files contain is hidden."""
    result = observe(tmp_path, "day=3/region=eu", {"region": ["us"] * N}, slices=(("day",), ("region",)))
    assert {key[0] for key in result.tables[("day",)].keys} == {"3"}
    assert {key[0] for key in result.tables[("region",)].keys} == {"us"}


def test_a_column_of_another_kind_is_not_compared(tmp_path: Path) -> None:
    """A list has no spelling as a folder; it is read, and no difference is stated."""
    source = partitioned(tmp_path / "p", "tags=a", rows(10, 1) | {"tags": [["a"]] * 10})
    with open_session({"baseline": source}, 2**28) as session:
        assert session.types("baseline")["tags"] == "VARCHAR[]"
        assert session.partition_differences("baseline") == {}
        assert not session.has_partitions("baseline")
