"""The index of a pandas DataFrame that a file describes and does not contain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

from ghmlops.core.errors import DataError
from ghmlops.measure.predictions.artifacts.memory_table import table_source
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, observe, rows

if TYPE_CHECKING:
    from pathlib import Path

N = 400


@pytest.mark.parametrize("kind", ["file", "table"])
@pytest.mark.parametrize(("named", "advice"), [(True, "df.reset_index()"), (False, "df.reset_index(names='id')")])
def test_a_range_index_of_pandas_is_explained(kind: str, named: bool, advice: str, tmp_path: Path) -> None:
    """pandas stores a range as metadata and not as a column: the hint for a missing key is the call that writes it."""
    frame = pd.DataFrame(rows(N, 1)).drop(columns="id")
    frame.index = pd.RangeIndex(N, name="id" if named else None)
    frame.to_parquet(tmp_path / "indexed.parquet")
    indexed = table_source(frame, "baseline") if kind == "table" else Source.of(tmp_path / "indexed.parquet", "indexed")
    with pytest.raises(DataError) as excinfo:
        observe({"baseline": indexed, "candidate": indexed}, BINARY)
    assert advice in excinfo.value.hint
    with pytest.raises(DataError) as excinfo:
        observe({"baseline": indexed, "candidate": indexed}, replace(BINARY, key=("user",), label="nope"))
    assert "reset_index" not in excinfo.value.hint
