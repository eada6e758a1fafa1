"""Folders of table formats are recognised by their entries."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts.table_format import is_iceberg, table_format

TABLES = [
    (("_delta_log", "a.parquet"), "a Delta table"),
    ((".hoodie", "a.parquet"), "a Hudi table"),
    (("_spark_metadata", "part-0.parquet"), "the output of a Spark stream"),
    (("base_0000002", "delta_0000003_0000003_0000"), "a transactional Hive table"),
    (("delete_delta_0000004_0000004_0000",), "a transactional Hive table"),
    (("base_0000005_v0000017",), "a transactional Hive table"),
    (("ducklake-01970000-0000-7000-8000-000000000000-delete.parquet",), "a DuckLake table"),
    (("snapshot", "manifest", "schema", "bucket-0"), "a Paimon table"),
    (("base_model.parquet", "delta.parquet", "snapshot", "schema", "metadata"), ""),
    (("_SUCCESS", "part-0.parquet", "_metadata"), ""),
]


@pytest.mark.parametrize(("names", "table"), TABLES)
def test_marker_names_the_format(names: tuple[str, ...], table: str) -> None:
    """Folders and file names that a format writes; similar names of users are not taken for one."""
    assert table_format(names) == table


def test_iceberg_has_its_own_files_in_metadata() -> None:
    """A folder `metadata` of another kind is no Iceberg table."""
    assert is_iceberg(["00001-0f.metadata.json"])
    assert is_iceberg(["v3.metadata.json", "snap-1.avro"])
    assert is_iceberg(["v3.gz.metadata.json"])
    assert is_iceberg(["version-hint.text"])
    assert not is_iceberg(["metadata.json", "schema.yml"])
