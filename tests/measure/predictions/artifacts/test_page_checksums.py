"""Page checksums are verified, and column chunks without checksums are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.core.predictions.contract.checks import not_measured
from ghmlops.measure.predictions.artifacts.page_checksums import ColumnChunk, check_pages, read_page_header
from ghmlops.measure.predictions.artifacts.source import Source
from ghmlops.measure.predictions.engine.open import open_session

if TYPE_CHECKING:
    from pathlib import Path

    from ghmlops.measure.predictions.artifacts.page_checksums import PageCheck

N = 5000
CODECS = ["none", *(codec for codec in ("snappy", "gzip", "brotli", "zstd", "lz4") if pa.Codec.is_available(codec))]


def content() -> dict[str, Any]:
    """Return columns of dictionary-encoded text, lists, nulls and numbers."""
    columns = artifacts.rows(N, 1)
    columns["nulls"] = [None if i % 3 else float(i) for i in range(N)]
    columns["list"] = [[float(i), 0.5] for i in range(N)]
    return columns


def verify(path: Path) -> PageCheck:
    with open_session({"baseline": Source.of(path, "name.parquet")}, artifacts.MEMORY) as session:
        return session.check_pages("baseline", session.column_chunks("baseline"))


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("codec", CODECS)
def test_pages_of_an_intact_file_match_their_checksums(codec: str, version: str, tmp_path: Path) -> None:
    """All codecs, both versions of data pages, dictionary pages, several row groups, and several pages per column."""
    path = artifacts.write(
        tmp_path / "a.parquet",
        content(),
        compression=codec,
        data_page_version=version,
        write_page_checksum=True,
        row_group_size=2000,
        data_page_size=1024,
    )
    check = verify(path)
    assert (check.chunks, check.unchecked) == (3 * 9, 0)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_flipped_bit_that_still_decodes_is_detected(dictionary: bool, version: str, tmp_path: Path) -> None:
    """A bit in an uncompressed page, with which pyarrow reads another number, does not match the checksum."""
    scores = {"id": np.arange(N), "s": np.linspace(0.1, 0.9, N)}
    path = tmp_path / "a.parquet"
    options = {
        "compression": "none",
        "data_page_version": version,
        "use_dictionary": dictionary,
        "row_group_size": 2500,
    }
    artifacts.write(path, scores, write_page_checksum=True, **options)
    column = pq.ParquetFile(path).metadata.row_group(1).column(1)
    offset = column.data_page_offset if not dictionary else column.dictionary_page_offset
    data = bytearray(path.read_bytes())
    position = data.index(scores["s"][2600].tobytes(), offset) + 3
    data[position] ^= 1
    path.write_bytes(data)
    assert pq.read_table(path, page_checksum_verification=False)["s"][2600].as_py() != scores["s"][2600]
    with pytest.raises(DataError, match=r'name\.parquet: damaged, row group 1, column "s"') as excinfo:
        verify(path)
    assert "\n" not in excinfo.value.message


def test_damaged_page_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Reading both artifacts reports the damage with the name of the file."""
    good = artifacts.write(tmp_path / "good.parquet", artifacts.rows(N, 1))
    bad = artifacts.write(tmp_path / "bad.parquet", artifacts.rows(N, 2), compression="none", write_page_checksum=True)
    data = bytearray(bad.read_bytes())
    data[1000] ^= 64
    bad.write_bytes(data)
    files = {"baseline": Source.of(good, "good.parquet"), "candidate": Source.of(bad, "bad.parquet")}
    with pytest.raises(DataError, match=r"bad\.parquet: damaged"):
        artifacts.observe(files, artifacts.BINARY)


def test_missing_checksums_are_listed_as_not_measured(tmp_path: Path) -> None:
    """Column chunks without checksums are counted, and only the side without them is listed."""
    without = artifacts.write(tmp_path / "without.parquet", artifacts.rows(N, 1))
    with_checksums = artifacts.write(tmp_path / "with.parquet", artifacts.rows(N, 2), write_page_checksum=True)
    assert (verify(without).chunks, verify(without).unchecked) == (7, 7)
    files = {"baseline": Source.of(without, "a"), "candidate": Source.of(with_checksums, "b")}
    result = artifacts.observe(files, artifacts.BINARY)
    (why,) = [n.why for n in not_measured(result.facts, group=False, windows=False) if n.what == "page checksums"]
    assert "the baseline" in why
    assert "the candidate" not in why


@pytest.mark.parametrize(
    "data",
    [
        b"\x15\x00\x15\x02\x00",  # no size
        b"\x1f\x00",  # no such type
        b"\x15" + b"\xff" * 11,  # an endless integer
        b"\x1c" * 40 + b"\x00" * 60,  # structs in structs
        b"\x19\xfc\xff\xff\xff\xff\x0f",  # a list of billions
        b"\x18\xff\xff\xff\xff\x7f",  # a text of gigabytes
        b"",
    ],
)
def test_malformed_header_is_an_error(data: bytes, tmp_path: Path) -> None:
    """Lengths in a header are compared with the bytes available, so a malformed header fails quickly."""
    path = tmp_path / "x"
    path.write_bytes(b"PAR1" + data + b"PAR1")
    with pytest.raises(DataError, match="page header cannot be read"):
        check_pages(path, "x", [ColumnChunk(0, "s", 4, len(data) + 1)])


def test_chunk_outside_the_file_is_an_error(tmp_path: Path) -> None:
    """Negative and too large offsets, and a page larger than its chunk, are errors."""
    path = tmp_path / "x"
    path.write_bytes(b"PAR1" + b"\x15\x00\x15\x64\x15\x64\x00" + b"PAR1")
    for start, size in ((-4, 10), (4, 1000), (4, -1), (0, 4)):
        with pytest.raises(DataError, match="outside the file"):
            check_pages(path, "x", [ColumnChunk(0, "s", start, size)])
    with pytest.raises(DataError, match="page header cannot be read"):
        check_pages(path, "x", [ColumnChunk(0, "s", 4, 7)])


def test_header_with_nested_values_is_read() -> None:
    """Size and a negative checksum are read; a struct with a list, a map, a double and a text is skipped."""
    nested = b"\x1c" + b"\x17" + b"\x00" * 8 + b"\x18\x03abc" + b"\x19\x21\x01\x02" + b"\x1b\x01\x85\x01x\x02" + b"\x00"
    data = b"\x15\x00\x15\x0a\x15\x0c\x15\x01" + nested + b"\x00rest"
    assert read_page_header(data) == (len(data) - 4, 6, 2**32 - 1)
