"""A file with a secret in its name, its metadata, its columns or its values is refused without quoting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.core.errors import DataError
from ghmlops.core.policy.production.harvest import Traffic
from ghmlops.measure.harvest.log_table import open_logs
from ghmlops.measure.harvest.output_check import check_file, check_values
from harvest_logs import requests, write_log

if TYPE_CHECKING:
    from pathlib import Path

TRAFFIC = Traffic(files="logs/*.jsonl", id="request_id", time="ts")
SECRET = "ann@example.org"


@pytest.mark.parametrize(
    ("select", "name", "hit"),
    [
        ("SELECT 'phone' AS body, 1.5 AS weight", "data/x.parquet", False),
        (f"SELECT '{SECRET}' AS body", "data/x.parquet", True),
        (f'SELECT 1 AS "{SECRET}"', "data/x.parquet", True),
        ("SELECT '{\"a\":4111111111111111}' AS body", "data/x.parquet", True),
        ("SELECT 'see req-0042!' AS body", "data/x.parquet", True),
        ("SELECT 'phone' AS body", f"data/{SECRET}.parquet", True),
        ("SELECT '{}' AS body, '' AS label", "data/x.parquet", False),
        ("SELECT unnest(['[PAD]', '{', '[NaN]', NULL]) AS label", "data/x.parquet", False),
        ("SELECT repeat('[', 900) || repeat(']', 900) AS label", "data/x.parquet", False),
        ("SELECT repeat('[', 9000) || repeat(']', 9000) AS label", "data/x.parquet", False),
        (f"SELECT '[PAD {SECRET}' AS label", "data/x.parquet", True),
    ],
)
def test_names_columns_and_values_are_searched(tmp_path: Path, select: str, name: str, hit: bool) -> None:
    """The values are decoded: compression does not hide them."""
    write_log(tmp_path / "logs/a.jsonl", requests(1))
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        path = table.folder / "x.parquet"
        table.rows(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        if not hit:
            check_file(table, path, name, {"req-0042"})
            return
        with pytest.raises(DataError) as error:
            check_file(table, path, name, {"req-0042"})
    assert error.value.reason_code == "harvest-private"
    assert SECRET not in error.value.message


def test_metadata_of_the_file_is_searched(tmp_path: Path) -> None:
    """A key of the metadata that nobody asked for."""
    write_log(tmp_path / "logs/a.jsonl", requests(1))
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        path = table.folder / "x.parquet"
        table.rows(f"COPY (SELECT 1 AS a) TO '{path}' (FORMAT parquet, KV_METADATA {{owner: '{SECRET}'}})")
        with pytest.raises(DataError, match="secret"):
            check_file(table, path, "x.parquet", ())


def test_json_is_searched_in_its_values(tmp_path: Path) -> None:
    """Texts, keys and whole numbers."""
    write_log(tmp_path / "logs/a.jsonl", requests(1))
    with open_logs(tmp_path, TRAFFIC, (), 0) as table:
        path = table.folder / "x.json"
        path.write_text('{"rates": [1.5, 2.25], "number": 378282246310005}')
        with pytest.raises(DataError, match="card number"):
            check_file(table, path, "x.json", ())
    check_values("the log", ["one line", "another"], ())
