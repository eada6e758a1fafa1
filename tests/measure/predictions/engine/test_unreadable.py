"""Columns that the engine cannot read: set aside if nothing uses them, else named with their file."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pyarrow.parquet.encryption as pe  # type: ignore[import-untyped]
import pytest
from msgspec.structs import replace

import prediction_artifacts as artifacts
from ghmlops.core.errors import DataError
from ghmlops.core.model import Outcome
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.measure.predictions.artifacts.source import Source
from prediction_artifacts import BINARY, rows, write
from thoroughness import part

if TYPE_CHECKING:
    from pathlib import Path

N = 300


class _Keys(pe.KmsClient):  # type: ignore[misc]
    """A key store that does not wrap its keys."""

    def __init__(self, _: Any) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, _: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, key: bytes, _: str) -> bytes:
        return base64.b64decode(key)


def write_encrypted(path: Path, table: Any, column: str, *, plaintext_footer: bool = True) -> None:
    configuration = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"c": [column]}, plaintext_footer=plaintext_footer
    )
    properties = pe.CryptoFactory(_Keys).file_encryption_properties(pe.KmsConnectionConfig(), configuration)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)


def table_of(extra: dict[str, Any]) -> Any:
    return pa.table({name: pa.array(values) for name, values in (rows(N, 2) | extra).items()})


def observe(tmp_path: Path) -> Any:
    baseline = write(tmp_path / "b.parquet", rows(N, 1))
    sides = {"baseline": Source.of(baseline, "b"), "candidate": Source.of(tmp_path / "c.parquet", "c.parquet")}
    return artifacts.observe(sides, BINARY)


def assert_compared_without(observation: Any, column: str) -> None:
    assert observation.facts.pairs.paired == N
    assert [f'"{column}"' in why for why in observation.facts.schema.set_aside] == [True]
    assert "c.parquet" in observation.facts.schema.set_aside[0]
    judged = judge_observations([observation], BINARY)
    assert any(f'"{column}"' in item.why for item in judged.not_measured)
    assert all(f.outcome is not Outcome.ERROR for f in judged.findings)


@pytest.mark.parametrize("values", [np.ones(N, "f2"), pa.array([b"abcd"] * N, pa.binary(4))], ids=["half", "fixed"])
def test_an_encoding_that_the_engine_lacks_stops_only_who_uses_it(values: Any, tmp_path: Path) -> None:
    """BYTE_STREAM_SPLIT of other than 4 or 8 bytes: an unused column is not read, and is listed as not measured."""
    pq.write_table(table_of({"x": values}), tmp_path / "c.parquet", use_dictionary=False, use_byte_stream_split=["x"])
    assert_compared_without(observe(tmp_path), "x")


def test_a_used_column_is_named_with_its_file(tmp_path: Path) -> None:
    """The file is valid, so the message does not call it damaged."""
    table = table_of({})
    table = table.set_column(table.schema.get_field_index("s"), "s", table["s"].cast(pa.float16()))
    pq.write_table(table, tmp_path / "c.parquet", use_dictionary=False, use_byte_stream_split=["s"])
    with pytest.raises(DataError, match=r'c\.parquet: column "s".*BYTE_STREAM_SPLIT') as caught:
        observe(tmp_path)
    assert "damaged" not in str(caught.value)


def test_an_encrypted_column_that_nothing_uses_is_not_read(tmp_path: Path) -> None:
    """The footer is plain, so everything else can be compared."""
    write_encrypted(tmp_path / "c.parquet", table_of({"x": np.ones(N)}), "x")
    assert_compared_without(observe(tmp_path), "x")


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_encryption_is_called_encryption(plaintext_footer: bool, tmp_path: Path) -> None:
    """A used column that is encrypted below a plain footer, and an encrypted footer."""
    write_encrypted(tmp_path / "c.parquet", table_of({}), "s", plaintext_footer=plaintext_footer)
    with pytest.raises(DataError, match="encrypted"):
        observe(tmp_path)


def test_the_damaged_file_of_a_folder_is_named(tmp_path: Path) -> None:
    """A page that cannot be decoded, in the second of two files, in a column that nothing uses: an error."""
    first = write(tmp_path / "part-0.parquet", rows(N, 1) | {"note": [f"{i} " * 9 for i in range(N)]})
    second = tmp_path / "part-1.parquet"
    write(second, rows(N, 2) | {"id": np.arange(N, 2 * N), "note": [f"{i} " * 9 for i in range(N)]})
    group = pq.ParquetFile(second).metadata.row_group(0)
    chunk = next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == "note")
    start, size = chunk.dictionary_page_offset, chunk.total_compressed_size
    content = bytearray(second.read_bytes())
    content[start + 40 : start + size - 40] = b"\xff" * (size - 80)
    second.write_bytes(content)
    both = Source(files=(first, second), display_name="out")
    with pytest.raises(DataError, match=r'out \(part-1\.parquet\).*"note"'):
        artifacts.observe({"baseline": both, "candidate": both}, BINARY)


@pytest.mark.parametrize("seed", part(range(6)))
def test_flipped_bytes_give_one_error_or_a_result(seed: int, tmp_path: Path) -> None:
    """50 files with one to eight flipped bytes each, nested and odd columns included: never another exception."""
    draw = np.random.default_rng(seed)
    odd = {"tags": [["a", None]] * N, "meta": [{"a": 1, "b": "x"}] * N, "when": np.arange(N).astype("datetime64[s]")}
    pq.write_table(table_of(odd), tmp_path / "c.parquet", compression=["snappy", "none", "zstd"][seed % 3])
    original = (tmp_path / "c.parquet").read_bytes()
    messages = []
    for _ in range(50):
        content = bytearray(original)
        for position in draw.integers(4, len(content) - 8, draw.integers(1, 9)):
            content[position] ^= draw.integers(1, 256)
        (tmp_path / "c.parquet").write_bytes(content)
        try:
            observe(tmp_path)
        except DataError as error:
            messages.append(error.message)
    assert messages
    assert not any("\n" in message for message in messages)


_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def _times(value: int, kind: Any) -> Any:
    bits = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array([max(min(value, 2 ** (kind.bit_width - 1) - 1), -(2 ** (kind.bit_width - 1)))] * N, bits).view(kind)


def _nested(values: Any) -> Any:
    return pa.ListArray.from_arrays(pa.array(range(N + 1), pa.int32()), values)


def test_unused_columns_with_any_times_never_stop_a_comparison(tmp_path: Path) -> None:
    """The smallest and the largest number of each type, which the engine may not represent, in the statistics, too."""
    kinds = [pa.timestamp(unit, zone) for unit in ("ms", "us", "ns") for zone in (None, "UTC")]
    kinds += [pa.time32("ms"), pa.time64("us"), pa.time64("ns"), pa.date32(), pa.duration("us")]
    values = (_SMALLEST, _SMALLEST + 1, _LARGEST)
    columns = {f"{kind} {value}": _times(value, kind) for kind in kinds for value in values}
    columns |= {f"nested {kind}": _nested(_times(_SMALLEST, kind)) for kind in kinds}
    pq.write_table(table_of(columns), tmp_path / "c.parquet")
    observation = observe(tmp_path)
    assert observation.facts.pairs.paired == N
    set_aside = len(observation.facts.schema.set_aside)
    assert 0 < set_aside < len(columns)
    assert (observation.facts.baseline.lists_chunks, observation.facts.candidate.lists_chunks) == (True, False)
    judged = judge_observations([observation], BINARY)
    assert any(note.what == "page checksums" and "candidate" in note.why for note in judged.not_measured)


def test_a_time_in_use_that_the_engine_cannot_represent_is_named(tmp_path: Path) -> None:
    """One error with file and column."""
    pq.write_table(table_of({"x": _times(_SMALLEST, pa.timestamp("ms"))}), tmp_path / "c.parquet")
    baseline = write(tmp_path / "b.parquet", rows(N, 1) | {"x": _times(0, pa.timestamp("ms"))})
    sides = {"baseline": Source.of(baseline, "b"), "candidate": Source.of(tmp_path / "c.parquet", "c.parquet")}
    with pytest.raises(DataError, match=r'c\.parquet: column "x"'):
        artifacts.observe(sides, replace(BINARY, time="x", window="1d"))
