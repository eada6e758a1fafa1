"""Payload files: each supported shape, and each malformed one with its row and a hint."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import duckdb
import msgspec
import pytest

from ghmlops.core.errors import DataError
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.requests import payloads
from ghmlops.measure.requests.payloads import read_payloads

if TYPE_CHECKING:
    from pathlib import Path


def parquet(path: Path, query: str) -> Path:
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def jsonl(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_jsonl_lines_are_sent_unchanged(tmp_path: Path) -> None:
    """Order, spaces within a line and non-ASCII text are preserved; blank lines and line breaks are not."""
    path = jsonl(tmp_path / "r.jsonl", '{"a":  1}\r\n\n  ["ü"]\n"x"')
    result = read_payloads(path, "r.jsonl")
    assert result.bodies == [b'{"a":  1}', '["ü"]'.encode(), b'"x"']
    assert (result.truncated, result.fingerprint) == (False, fingerprint(path))


@pytest.mark.parametrize(
    ("query", "bodies"),
    [
        ("SELECT * FROM (VALUES (1, 'plain'), (2, 'ü')) t(id, body)", [b"plain", "ü".encode()]),
        ("SELECT 'only' AS anything", [b"only"]),
        ("SELECT 'bytes'::BLOB AS body", [b"bytes"]),
        ("SELECT {'a': 1, 'b': [1, 2]} AS body", [b'{"a":1,"b":[1,2]}']),
        ("SELECT 5 AS n", [b"5"]),
        ('SELECT \'q\' AS "a""b"', [b"q"]),
    ],
)
def test_parquet_bodies(tmp_path: Path, query: str, bodies: list[bytes]) -> None:
    """The column `body`, or a single column: text and bytes are sent unchanged, other types as JSON."""
    assert read_payloads(parquet(tmp_path / "r.parquet", query), "r").bodies == bodies


def test_parquet_columns_become_an_object(tmp_path: Path) -> None:
    """Several columns without `body` are one JSON object per row, in the order of the file, nulls included."""
    path = parquet(tmp_path / "r.parquet", "SELECT i AS id, i * 0.5 AS x, NULL::VARCHAR AS s FROM range(5000) t(i)")
    result = read_payloads(path, "r").bodies
    assert [json.loads(body) for body in result[:2]] == [{"id": 0, "x": 0.0, "s": None}, {"id": 1, "x": 0.5, "s": None}]
    assert [json.loads(body)["id"] for body in result] == list(range(5000))


def test_parquet_by_its_first_bytes(tmp_path: Path) -> None:
    """A Parquet file with another suffix is detected."""
    path = parquet(tmp_path / "r.parquet", "SELECT 'x' AS body").rename(tmp_path / "requests.data")
    assert read_payloads(path, "r").bodies == [b"x"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "r.jsonl: the payload file has no rows"),
        (b"\n \n", "r.jsonl: the payload file has no rows"),
        (b'{"a": 1}\n{"a": }\n', "r.jsonl:2: not JSON"),
        (b'{"a": 1}\n\n{"a": "\xff"}\n', "r.jsonl:3: not UTF-8 at byte 7"),
        (b'{"a": NaN}\n', "r.jsonl:1: not JSON"),
        (b"[" * 100_000, "r.jsonl:1: not JSON"),
        (b"\xff\xfe{\x00}\x00", "r.jsonl:1: not UTF-8"),
    ],
)
def test_bad_jsonl(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, malformed, deeply nested and wrongly encoded lines are errors that name the line."""
    with pytest.raises(DataError) as caught:
        read_payloads(jsonl(tmp_path / "r.jsonl", content), "r.jsonl")
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_truncated_parquet(tmp_path: Path) -> None:
    """Half of a Parquet file, and text with its suffix, are errors of one line without an absolute path."""
    complete = parquet(tmp_path / "w.parquet", "SELECT i, i::VARCHAR AS s FROM range(10000) t(i)").read_bytes()
    for content in (complete[: len(complete) // 2], b"PAR1", b'{"a": 1}\n', b""):
        with pytest.raises(DataError, match=r"^r\.parquet: .*Parquet") as caught:
            read_payloads(jsonl(tmp_path / "r.parquet", content), "r.parquet")
        assert "\n" not in caught.value.message
        assert str(tmp_path) not in caught.value.message


def test_damaged_parquet_pages(tmp_path: Path) -> None:
    """A file with an intact footer and damaged data is an error."""
    content = bytearray(
        parquet(tmp_path / "r.parquet", "SELECT md5(i::VARCHAR) AS s FROM range(5000) t(i)").read_bytes()
    )
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    with pytest.raises(DataError, match=r"^r\.parquet: .*Parquet"):
        read_payloads(jsonl(tmp_path / "r.parquet", bytes(content)), "r.parquet")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 'x' AS body WHERE false", "r: the payload file has no rows"),
        ("SELECT * FROM (VALUES ('x'), (NULL)) t(body)", "r: row 2: the body is null"),
        ("SELECT * FROM (VALUES ([1]), (NULL)) t(body)", "r: row 2: the body is null"),
        ("SELECT 'nan'::DOUBLE AS x, 1 AS y", "r: row 1: not JSON"),
        ("SELECT * FROM (VALUES (1.5::DOUBLE), ('nan'::DOUBLE)) t(x)", "r: row 2: not JSON"),
        ("SELECT '-inf'::FLOAT AS body", "r: row 1: not JSON"),
        ("SELECT {'a': ['inf'::DOUBLE]} AS body", "r: row 1: not JSON"),
    ],
)
def test_bad_parquet_rows(tmp_path: Path, query: str, message: str) -> None:
    """No rows, a null body and a NaN are errors that name the row."""
    with pytest.raises(DataError) as caught:
        read_payloads(parquet(tmp_path / "r.parquet", query), "r")
    assert caught.value.message.startswith(message)


def test_paths_that_are_not_regular_files(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe without a writer, and a name that DuckDB would read as a pattern are errors."""
    with pytest.raises(DataError, match=r"x\.jsonl: no such file"):
        read_payloads(tmp_path / "x.jsonl", "x.jsonl")
    with pytest.raises(DataError, match="d is a folder"):
        read_payloads(tmp_path, "d")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"^pipe is a pipe"):
        read_payloads(tmp_path / "pipe", "pipe")
    pattern_like = parquet(tmp_path / "r.parquet", "SELECT 'x' AS body").rename(tmp_path / "r*.parquet")
    with pytest.raises(DataError, match=r"r\*\.parquet: .*`\*`"):
        read_payloads(pattern_like, "r*.parquet")


def test_rows_bytes_and_lines_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and bytes beyond the limits are left out and reported; a longer line is an error."""
    path = jsonl(tmp_path / "r.jsonl", "".join(f'{{"i": {i}}}\n' for i in range(20)))
    packed = parquet(tmp_path / "r.parquet", "SELECT i AS body FROM range(20) t(i)")
    monkeypatch.setattr(payloads, "MAX_ROWS", 10)
    for file in (path, packed):
        result = read_payloads(file, "r")
        assert (len(result.bodies), result.truncated) == (10, True)
    monkeypatch.setattr(payloads, "MAX_BYTES", 30)
    assert len(read_payloads(path, "r").bodies) == 3
    monkeypatch.setattr(payloads, "MAX_LINE", 5)
    with pytest.raises(DataError, match=r"r:1: .* 5 bytes"):
        read_payloads(path, "r")


def test_bodies_of_an_object_are_json(tmp_path: Path) -> None:
    """Dates, decimals and lists of a row become valid JSON."""
    query = "SELECT DATE '2026-01-02' AS d, 1.5::DECIMAL(4,1) AS n, [1, 2] AS l, true AS b, 'a\"b' AS s"
    (body,) = read_payloads(parquet(tmp_path / "r.parquet", query), "r").bodies
    assert msgspec.json.decode(body) == {"d": "2026-01-02", "n": 1.5, "l": [1, 2], "b": True, "s": 'a"b'}
