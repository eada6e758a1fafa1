"""Writing evidence with its companions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.act.evidence import check_writable, companion_name, evidence_name, write_evidence
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Outcome

if TYPE_CHECKING:
    from pathlib import Path

EVIDENCE = Evidence(
    command="latency", outcome=Outcome.PASS, provenance=Provenance(repository="acme/shop", head_sha="a" * 40)
)


def test_names_contain_command_and_leg() -> None:
    """`<command>[-<leg>].<extension>`, for evidence and companions."""
    assert (evidence_name("latency", ""), evidence_name("latency", "eu")) == ("latency.json", "latency-eu.json")
    assert companion_name("latency", "eu", "hlog") == "latency-eu.hlog"


def test_companion_of_an_earlier_run_is_removed(tmp_path: Path) -> None:
    """Evidence without a companion removes that of an earlier run, but not that of another leg."""
    other = msgspec.structs.replace(EVIDENCE, leg="eu")
    for evidence in (EVIDENCE, other):
        write_evidence(tmp_path, evidence, {"hlog": b"histogram"})
    write_evidence(tmp_path, EVIDENCE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latency-eu.hlog", "latency-eu.json", "latency.json"]


def test_folder_is_checked_before_a_measurement(tmp_path: Path) -> None:
    """A folder that can be created is accepted; a file in its place and an invalid leg are input errors."""
    check_writable(tmp_path / "new" / "evidence", "latency", "eu")
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="`evidence-dir`"):
        check_writable(tmp_path / "file" / "evidence", "latency", "")
    with pytest.raises(InputError, match="`leg`"):
        check_writable(tmp_path, "latency", "../x")
