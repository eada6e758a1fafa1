"""Reading evidence that other jobs wrote: an unreadable file is reported, never skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.act.evidence import encode, write_evidence
from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Outcome
from ghmlops.measure import evidence as reading

if TYPE_CHECKING:
    from pathlib import Path

GOOD = Evidence(
    command="latency", outcome=Outcome.PASS, provenance=Provenance(repository="acme/s", head_sha="a" * 40), leg="eu"
)


def test_a_written_file_reads_back(tmp_path: Path) -> None:
    """A written file has the documented name, reads back equal, and its digest is that of its bytes."""
    path = write_evidence(tmp_path / "new", GOOD)
    assert path.name == "latency-eu.json"
    (loaded,) = reading.load_folder(tmp_path / "new")
    assert (loaded.evidence, loaded.problem) == (GOOD, "")
    assert len(loaded.sha256) == 64
    assert list((tmp_path / "new").iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as ghmlops/evidence/v1"),
        (b"{", "not readable"),
        (b"\xff\xfe", "not readable"),
        (b"[" * 100_000, "not readable"),
        (b"{}", "missing required field `schema`"),
        (encode(GOOD).replace(b"evidence/v1", b"evidence/v9"), "Invalid value"),
        (encode(GOOD).replace(b'"pass"', b'"fine"'), "Invalid enum value"),
        (encode(GOOD).replace(b'"leg"', b'"lag"'), "unknown field `lag`"),
        (encode(GOOD).replace(b'"seconds": null', b'"seconds": NaN'), "not readable"),
    ],
)
def test_a_file_that_does_not_match_the_schema_has_a_problem(tmp_path: Path, content: bytes, message: str) -> None:
    """Damaged and hostile files are returned with their problem, neither skipped nor raised."""
    (tmp_path / "latency.json").write_bytes(content)
    (loaded,) = reading.load_folder(tmp_path)
    assert loaded.evidence is None
    assert message in loaded.problem


def test_links_and_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link, which could point anywhere, and a file above the limit are separate problems."""
    folder = tmp_path / "evidence"
    write_evidence(folder, GOOD)
    (tmp_path / "outside.json").write_bytes(encode(GOOD))
    (folder / "regression.json").symlink_to(tmp_path / "outside.json")
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    first, second = reading.load_folder(folder)
    assert "larger than 10 bytes" in first.problem
    assert "is a link" in second.problem


def test_the_log_beside_evidence_is_read(tmp_path: Path) -> None:
    """The bytes of `<name>.hlog` accompany the evidence; a log without readable evidence is not read."""
    write_evidence(tmp_path, GOOD, {"hlog": b"log of eu"})
    (tmp_path / "latency-us.json").write_bytes(b"{")
    (tmp_path / "latency-us.hlog").write_bytes(b"log of us")
    (tmp_path / "other.hlog").write_bytes(b"log")
    assert [(file.file, file.log) for file in reading.load_folder(tmp_path)] == [
        ("latency-eu.json", b"log of eu"),
        ("latency-us.json", b""),
    ]


def test_logs_are_bounded_and_never_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is a link, or exceeds the limit of the folder, is named; the evidence beside it is used."""
    monkeypatch.setattr(reading, "MAX_LOG_BYTES", 10)
    for leg, log in (("a", b"123456"), ("b", b"123456"), ("c", b"1234")):
        write_evidence(tmp_path, msgspec.structs.replace(GOOD, leg=leg), {"hlog": log})
    write_evidence(tmp_path, msgspec.structs.replace(GOOD, leg="d"))
    (tmp_path / "latency-d.hlog").symlink_to(tmp_path / "latency-a.hlog")
    files = reading.load_folder(tmp_path)
    assert [bool(file.evidence) for file in files] == [True] * 4
    assert [file.log for file in files] == [b"123456", b"", b"1234", b""]
    assert [bool(file.log_problem) for file in files] == [False, True, False, True]
    assert all("\n" not in file.log_problem for file in files)


def test_verdicts_hidden_files_and_folders_are_not_evidence(tmp_path: Path) -> None:
    """Only evidence files directly in the folder are read."""
    for name in ("verdict.json", ".hidden.json", "notes.txt"):
        (tmp_path / name).write_text("{")
    (tmp_path / "sub").mkdir()
    assert reading.load_folder(tmp_path) == []


def test_no_file_with_the_name_of_evidence_is_skipped(tmp_path: Path) -> None:
    """A folder, or another verdict, with the name of an evidence file has a problem."""
    (tmp_path / "verdict-old.json").write_text("{}")
    (tmp_path / "latency.json").mkdir()
    assert [bool(loaded.problem) for loaded in reading.load_folder(tmp_path)] == [True, True]


def test_unusable_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder and one with too many files are errors."""
    with pytest.raises(EvidenceError, match="does not exist"):
        reading.load_folder(tmp_path / "none")
    monkeypatch.setattr(reading, "MAX_FILES", 1)
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(EvidenceError, match="2 files"):
        reading.load_folder(tmp_path)


@pytest.mark.parametrize("leg", ["../x", "a/b", ".hidden", "-x", "a b", "x" * 65, "a\n"])
def test_a_leg_cannot_leave_the_folder(tmp_path: Path, leg: str) -> None:
    """The leg becomes part of a file's name, so only a plain name is one."""
    with pytest.raises(InputError, match="is not a plain name"):
        write_evidence(tmp_path, msgspec.structs.replace(GOOD, leg=leg))
    assert list(tmp_path.iterdir()) == []
