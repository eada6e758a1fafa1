"""Untrusted archives are refused or unpacked within their folder."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ghmlops.core.errors import DataError
from ghmlops.measure.unpack import Limits, unpack

Entry = tuple[str | zipfile.ZipInfo, bytes]


def packed(*entries: Entry, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A duplicate name is intended.
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    """Return an entry with the type of a file in its mode, such as a link."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def run(root: Path, data: bytes, limits: Limits | None = None) -> list[str]:
    """Unpack an archive to `out` and return the names of the files."""
    (root / "a.zip").write_bytes(data)
    target = root / "out"
    unpack(root / "a.zip", target, "artifact:x@main", lambda _: True, limits)
    return sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())


def test_an_ordinary_archive(tmp_path: Path) -> None:
    """Files are unpacked unchanged, in folders as needed; the folder is private, and modes are ignored."""
    data = packed(("x/", b""), ("x/date=1/a.parquet", b"PAR1" * 9), ("b.txt", b""), (special("c", stat.S_IFREG), b"c"))
    assert run(tmp_path, data) == ["b.txt", "c", "x/date=1/a.parquet"]
    assert (tmp_path / "out/x/date=1/a.parquet").read_bytes() == b"PAR1" * 9
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert not stat.S_IMODE((tmp_path / "out/c").stat().st_mode) & 0o111


def test_only_selected_files_are_written(tmp_path: Path) -> None:
    """Other files are checked and remain in the archive."""
    (tmp_path / "a.zip").write_bytes(packed(("a.parquet", b"x"), ("b.txt", b"x")))
    assert unpack(tmp_path / "a.zip", tmp_path / "out", "a", lambda name: name.endswith(".parquet")) == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.parquet"]


def test_zip64(tmp_path: Path) -> None:
    """An archive in the ZIP64 format, as written for streams of unknown size, is supported."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a.parquet", "w", force_zip64=True) as stream:
        stream.write(b"PAR1")
    assert run(tmp_path, buffer.getvalue()) == ["a.parquet"]


def raw_name(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace a name by one of the same length that `zipfile` would not write."""
    assert len(old) == len(new)
    return data.replace(old, new)


def flagged(data: bytes, offset: int, value: int) -> bytes:
    """Set two bytes of the first entry of the central directory."""
    position = data.index(b"PK\x01\x02") + offset
    return data[:position] + struct.pack("<H", value) + data[position + 2 :]


BOMB = packed(("a.parquet", bytes(80 * 1024 * 1024)))
SMALL = packed(("a.parquet", b"x" * 1000))
HOSTILE = [
    (packed(("../a", b"")), "leads out"),
    (packed(("x/../../a", b"")), "leads out"),
    (packed(("/etc/a", b"")), "absolute path"),
    (packed(("C:/a", b"")), "absolute path"),
    (packed(("x\\..\\a", b"")), "backslash"),
    (raw_name(packed(("aXb", b"")), b"aXb", b"a\x00b"), "read differently"),
    (packed(("a\nb", b"")), "control character"),
    (packed((special("a", stat.S_IFLNK), b"/etc/passwd")), "link"),
    (packed((special("a", stat.S_IFIFO), b"")), "neither a file nor a folder"),
    (packed((special("a", stat.S_IFCHR), b"")), "neither a file nor a folder"),
    (packed((special("a/", stat.S_IFLNK), b"")), "link"),
    (packed(("a", b"1"), ("a", b"2")), '"a" in it is duplicated'),
    (packed(("\u00e9", b"1"), ("e\u0301", b"2")), "duplicated"),
    (packed(("a", b"1"), ("a/b", b"2")), '"a" .* both a file and a folder'),
    (packed(("a/b", b"1"), ("a", b"2")), '"a" .* both a file and a folder'),
    (packed(("a" * 300, b"")), "more than 255 bytes"),
    (packed(("/".join("a" * 40), b"")), "deeper than 32 folders"),
    (packed(("a", b"x" * 99), method=zipfile.ZIP_LZMA), "method other than deflate"),
    (flagged(SMALL, 8, 1), "encrypted"),
    (BOMB, "83,886,080"),
    (flagged(SMALL, 24, 10), "damaged ZIP archive"),
    (flagged(SMALL, 24, 2000), "damaged ZIP archive"),
    (SMALL[:-30], "truncated"),
    (SMALL[:20] + SMALL[40:], "damaged ZIP archive"),
    (b"", "not a ZIP archive"),
    (b"<html>sign in</html>" * 9, "not a ZIP archive"),
    (SMALL[:-2] + b"\x05\x00hello", "not a ZIP archive"),
]


@pytest.mark.parametrize(("data", "words"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_a_hostile_archive_is_refused_and_writes_nothing(tmp_path: Path, data: bytes, words: str) -> None:
    """Unsafe or duplicate names, links, devices, bombs and damage are one data error; nothing is written outside."""
    with pytest.raises(DataError, match=words) as caught:
        run(tmp_path, data)
    assert "\n" not in caught.value.message
    paths = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")}
    assert paths <= {"a.zip", "out", "out/a.parquet"}


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """A bomb whose entries all refer to the same bytes is detected by the sum of their sizes."""
    data = packed(*((f"f{n:03}", bytes(100_000)) for n in range(200)))
    first = data.index(b"PK\x01\x02")
    head, listing = data[: data.index(b"PK\x03\x04", 4)], bytearray(data[first:-22])
    position = 0
    while (position := listing.find(b"PK\x01\x02", position)) >= 0:
        listing[position + 42 : position + 46] = bytes(4)
        position += 4
    end = bytearray(data[-22:])
    end[16:20] = struct.pack("<I", len(head))
    with pytest.raises(DataError, match="overlap"):
        run(tmp_path, head + bytes(listing) + bytes(end), Limits(free=1 << 40))


def test_limits(tmp_path: Path) -> None:
    """The number of files, their size, their ratio and the size of the central directory are limited."""
    many = packed(*((str(n), b"x") for n in range(20)))
    for limits, words in (
        (Limits(files=19), "19 files"),
        (Limits(listing=100), "20,000 files"),
        (Limits(size=19), " 20$"),
        (Limits(free=1, ratio=0), " 20$"),
    ):
        with pytest.raises(DataError, match=words):
            run(tmp_path, many, limits)
    assert len(run(tmp_path, many, Limits(files=20, size=20))) == 20


def test_a_wrong_count_is_detected(tmp_path: Path) -> None:
    """The record at the end may state one file; the entries are counted, too."""
    many = packed(*((str(n), b"x") for n in range(20)))
    understated = many[:-14] + struct.pack("<HH", 1, 1) + many[-10:]
    with pytest.raises(DataError, match="19 files"):
        run(tmp_path, understated, Limits(files=19))


def test_the_folder_must_be_new(tmp_path: Path) -> None:
    """An archive is never unpacked into an existing folder."""
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="out, which exists"):
        run(tmp_path, packed(("a", b"x")))


ORDINARY = packed(("date=1/a.parquet", b"PAR1" * 30), ("b", b"x" * 300))


@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=150)
def test_any_damage_is_an_error_or_harmless(changes: list[tuple[int, int]]) -> None:
    """With any bytes changed, the archive is refused, or the unpacked files are inside the folder and bounded."""
    data = bytearray(ORDINARY)
    for position, value in changes:
        data[position] = value
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "a.zip").write_bytes(data)
        with contextlib.suppress(DataError):
            unpack(root / "a.zip", root / "out", "a", lambda _: True)
        assert {p.name for p in root.iterdir()} <= {"a.zip", "out"}
        assert sum(p.stat().st_size for p in root.rglob("*") if p.is_file()) < 10_000
