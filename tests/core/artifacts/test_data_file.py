"""Which files of a folder are data."""

from __future__ import annotations

import pytest

from ghmlops.core.artifacts.data_file import classify, compression_of, is_document

PARQUET, GZIP, CSV = b"PAR1\x15\x04", b"\x1f\x8b\x08\x00\x00\x00", b"id,y,p"
CASES = [
    ("000001_0", PARQUET, True, ""),
    ("20240105_101010_00012_abcde_0f1e", PARQUET, True, ""),
    ("part-0.c000", b"PARE\x00\x00", True, ""),
    ("data.txt", PARQUET, True, ""),
    ("000001_0", b"", False, "is empty"),
    ("000002_0.gz", GZIP, False, "is compressed with gzip"),
    ("p.parquet.gz", GZIP, False, "is compressed with gzip"),
    ("p.parquet.zst", b"\x28\xb5\x2f\xfd\x00\x00", False, "is compressed with zstd"),
    ("p.csv", CSV, False, "is not Parquet"),
    ("p.parquet", b"version https://git-lfs", False, "is a pointer of Git LFS"),
    ("p.orc", b"ORC\x00\x00\x00", False, "is not Parquet"),
    ("p", CSV, False, "is not Parquet"),
    ("p.parquet.tmp", PARQUET, False, "has the name of a temporary file or a backup"),
    ("p.parquet._COPYING_", PARQUET, False, "has the name of a temporary file or a backup"),
    ("p.parquet~", PARQUET, False, "has the name of a temporary file or a backup"),
    ("p.parquet.bak", PARQUET, False, "has the name of a temporary file or a backup"),
    ("metrics.json", b'{"a":1', False, ""),
    ("README", b"about ", False, ""),
    ("LICENSE.rst", b"MIT   ", False, ""),
    ("out_$folder$", b"", False, ""),
    ("model.pkl", b"\x80\x04", False, ""),
]


@pytest.mark.parametrize(("name", "head", "is_data", "why"), CASES)
def test_a_file_is_data_a_document_or_an_error(name: str, head: bytes, is_data: bool, why: str) -> None:
    """The magic number decides; documents are ignored; every other file has a reason why it cannot be read."""
    assert classify(name, head, len(head)) == (is_data, why)


def test_compression_is_recognised_by_magic_number() -> None:
    """Parquet itself has no outer compression."""
    assert compression_of(GZIP) == "gzip"
    assert compression_of(PARQUET) == ""


def test_documents_are_recognised_by_name() -> None:
    """A suffix counts, not a part of the name."""
    assert is_document("Metrics.JSON")
    assert not is_document("json")
    assert not is_document("readme_0")
