"""The evidence folder of the commands that judge: files of one job, or one folder per artifact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.act.evidence import write_evidence
from ghmlops.commands.shared.evidence_folder import read_evidence_folder
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from pathlib import Path

EVIDENCE = Evidence(
    command="latency", outcome=Outcome.PASS, provenance=Provenance(repository="acme/s", head_sha="a" * 40)
)


def test_each_artifact_has_its_folder(tmp_path: Path) -> None:
    """Files in folders are read, too, and keep their folder in their name; hidden folders and links are not read."""
    write_evidence(tmp_path, EVIDENCE)
    for name in ("one", "two", ".hidden"):
        write_evidence(tmp_path / name, EVIDENCE)
    (tmp_path / "link").symlink_to(tmp_path / "one")
    (tmp_path / "two" / "verdict.json").write_text("{}")
    files, absent = read_evidence_folder(tmp_path, "evidence")
    assert [file.file for file in files] == ["latency.json", "one/latency.json", "two/latency.json"]
    assert (all(file.evidence for file in files), absent) == (True, [])


def test_a_folder_that_is_missing_or_none(tmp_path: Path) -> None:
    """A folder that does not exist contains nothing; a file in its place is an unreadable file."""
    files, (absent,) = read_evidence_folder(tmp_path / "evidence", "evidence")
    assert (files, absent.what) == ([], "everything")
    (tmp_path / "evidence").write_text("")
    (file,), nothing = read_evidence_folder(tmp_path / "evidence", "evidence")
    assert (file.evidence, bool(file.problem), nothing) == (None, True, [])
