"""Archives of strangers."""

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
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that comes twice is what the test wants
        for name, content in entries:
            archive.writestr(name, content)
    return made.getvalue()


def special(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (kind | 0o777) << 16
    return info


def run(root: Path, data: bytes, limits: Limits | None = None) -> list[str]:
    (root / "a.zip").write_bytes(data)
    into = root / "out"
    unpack(root / "a.zip", into, "artifact:x@main", lambda _: True, limits)
    return sorted(str(p.relative_to(into)) for p in into.rglob("*") if p.is_file())


def test_an_ordinary_archive(tmp_path: Path) -> None:
    """Files come out whole, in folders as needed; the folder is private, and times and modes are ours."""
    data = packed(("x/", b""), ("x/date=1/a.parquet", b"PAR1" * 9), ("b.txt", b""), (special("c", stat.S_IFREG), b"c"))
    assert run(tmp_path, data) == ["b.txt", "c", "x/date=1/a.parquet"]
    assert (tmp_path / "out/x/date=1/a.parquet").read_bytes() == b"PAR1" * 9
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert not stat.S_IMODE((tmp_path / "out/c").stat().st_mode) & 0o111


def test_only_what_is_wanted_is_written(tmp_path: Path) -> None:
    """Files that nobody asked for are checked and left in the archive."""
    (tmp_path / "a.zip").write_bytes(packed(("a.parquet", b"x"), ("b.txt", b"x")))
    assert unpack(tmp_path / "a.zip", tmp_path / "out", "a", lambda name: name.endswith(".parquet")) == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["a.parquet"]


def test_an_archive_with_wide_records(tmp_path: Path) -> None:
    """Archives written as a stream by a packer that prepares for more than 4 GiB are read."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, archive.open("a.parquet", "w", force_zip64=True) as stream:
        stream.write(b"PAR1")
    assert run(tmp_path, made.getvalue()) == ["a.parquet"]


def raw_name(data: bytes, old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return data.replace(old, new)


def flagged(data: bytes, offset: int, value: int) -> bytes:
    """Set two bytes of the first entry of the list."""
    at = data.index(b"PK\x01\x02") + offset
    return data[:at] + struct.pack("<H", value) + data[at + 2 :]


BOMB = packed(("a.parquet", bytes(80 * 1024 * 1024)))
LIAR = packed(("a.parquet", b"x" * 1000))
HOSTILE = [
    (packed(("../a", b"")), "leads out of its folder"),
    (packed(("x/../../a", b"")), "leads out of its folder"),
    (packed(("/etc/a", b"")), "is an absolute path"),
    (packed(("C:/a", b"")), "is an absolute path"),
    (packed(("x\\..\\a", b"")), "holds a backslash"),
    (raw_name(packed(("aXb", b"")), b"aXb", b"a\x00b"), "systems read differently"),
    (packed(("a\nb", b"")), "control character"),
    (packed((special("a", stat.S_IFLNK), b"/etc/passwd")), "is a link"),
    (packed((special("a", stat.S_IFIFO), b"")), "is neither a file nor a folder"),
    (packed((special("a", stat.S_IFCHR), b"")), "is neither a file nor a folder"),
    (packed((special("a/", stat.S_IFLNK), b"")), "is a link"),
    (packed(("a", b"1"), ("a", b"2")), '"a" in it is there twice'),
    (packed(("\u00e9", b"1"), ("e\u0301", b"2")), "is there twice"),
    (packed(("a", b"1"), ("a/b", b"2")), '"a" in it is a file and a folder'),
    (packed(("a/b", b"1"), ("a", b"2")), '"a" in it is a file and a folder'),
    (packed(("a" * 300, b"")), "more than 255 bytes"),
    (packed(("/".join("a" * 40), b"")), "deeper than 32 folders"),
    (packed(("a", b"x" * 99), method=zipfile.ZIP_LZMA), "packed by a method other than deflate"),
    (flagged(LIAR, 8, 1), "is encrypted"),
    (BOMB, "bytes would unpack to 83,886,080"),
    (flagged(LIAR, 24, 10), "damaged ZIP archive"),
    (flagged(LIAR, 24, 2000), "damaged ZIP archive"),
    (LIAR[:-30], "not a ZIP archive, or cut off"),
    (LIAR[:20] + LIAR[40:], "damaged ZIP archive"),
    (b"", "not a ZIP archive"),
    (b"<html>sign in</html>" * 9, "not a ZIP archive"),
    (LIAR[:-2] + b"\x05\x00hello", "not a ZIP archive"),
]


@pytest.mark.parametrize(("data", "words"), HOSTILE, ids=[words for _, words in HOSTILE])
def test_a_hostile_archive_is_refused_and_writes_nothing(tmp_path: Path, data: bytes, words: str) -> None:
    """Names that lead elsewhere, links, devices, doubles, bombs and damage are one data error; nothing lies outside."""
    with pytest.raises(DataError, match=words) as caught:
        run(tmp_path, data)
    assert "\n" not in caught.value.message
    left = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")}
    assert left <= {"a.zip", "out", "out/a.parquet"}


def test_files_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """A bomb whose entries all point at the same bytes is seen by their sum."""
    data = packed(*((f"f{n:03}", bytes(100_000)) for n in range(200)))
    first = data.index(b"PK\x01\x02")
    head, listing = data[: data.index(b"PK\x03\x04", 4)], bytearray(data[first:-22])
    at = 0
    while (at := listing.find(b"PK\x01\x02", at)) >= 0:
        listing[at + 42 : at + 46] = bytes(4)
        at += 4
    end = bytearray(data[-22:])
    end[16:20] = struct.pack("<I", len(head))
    with pytest.raises(DataError, match="files overlap"):
        run(tmp_path, head + bytes(listing) + bytes(end), Limits(free=1 << 40))


def test_bounds(tmp_path: Path) -> None:
    """Number of files, their sum, their ratio and the length of their list are bounded."""
    many = packed(*((str(n), b"x") for n in range(20)))
    for limits, words in (
        (Limits(files=19), "more than 19 files"),
        (Limits(listing=100), "more than 20,000 files"),
        (Limits(size=19), "would unpack to 20"),
        (Limits(free=1, ratio=0), "would unpack to 20"),
    ):
        with pytest.raises(DataError, match=words):
            run(tmp_path, many, limits)
    assert len(run(tmp_path, many, Limits(files=20, size=20))) == 20


def test_a_count_that_lies_is_seen(tmp_path: Path) -> None:
    """The record at the end may say one file; the list itself is counted too."""
    many = packed(*((str(n), b"x") for n in range(20)))
    lying = many[:-14] + struct.pack("<HH", 1, 1) + many[-10:]
    with pytest.raises(DataError, match="more than 19 files"):
        run(tmp_path, lying, Limits(files=19))


def test_the_folder_must_be_new(tmp_path: Path) -> None:
    """An archive is never unpacked over something that is there."""
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="cannot be unpacked over"):
        run(tmp_path, packed(("a", b"x")))


ORDINARY = packed(("date=1/a.parquet", b"PAR1" * 30), ("b", b"x" * 300))


@given(st.lists(st.tuples(st.integers(0, len(ORDINARY) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=150)
def test_any_damage_is_an_error_or_harmless(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes are changed, the archive is refused in one line, or what comes out lies inside and is bounded."""
    data = bytearray(ORDINARY)
    for at, value in changes:
        data[at] = value
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "a.zip").write_bytes(data)
        with contextlib.suppress(DataError):
            unpack(root / "a.zip", root / "out", "a", lambda _: True)
        assert {p.name for p in root.iterdir()} <= {"a.zip", "out"}
        assert sum(p.stat().st_size for p in root.rglob("*") if p.is_file()) < 10_000
