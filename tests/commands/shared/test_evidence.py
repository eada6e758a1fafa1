"""One function builds, writes and summarises evidence: provenance, outcome, file, companions and result."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ghmlops.commands.shared.base import Common, Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.evidence import EvidenceContent, Summary, build, open_recorder, record
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError
from ghmlops.core.evidence.document import EVIDENCE_SCHEMA, Evidence
from ghmlops.core.model import Finding, Outcome
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from pathlib import Path

SHA = "c" * 40
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FINDING = Finding(id="toy", metric="m", outcome=Outcome.WARN, reason="Because.", docs="a.md#b")


def services(folder: Path, sha: str = SHA) -> Services:
    """Services whose clock is set back by one second per reading."""
    readings = iter(START + timedelta(seconds=-n) for n in range(100))
    return Services(
        context=Context(
            head_sha=sha, in_actions=not sha, base_sha="b" * 40, repository="acme/s", run_id="7", run_attempt=2
        ),
        environ={},
        cwd=folder,
        now=lambda: next(readings),
        console=Console(io.StringIO()),
    )


def test_the_result_follows_from_the_evidence(tmp_path: Path) -> None:
    """The file reads back, and outputs, data and findings of the result name it; the duration is monotonic time."""
    recorder = open_recorder("toy", Common(evidence_dir="out/e", leg="eu"), services(tmp_path))
    recorder = dataclasses.replace(recorder, began=recorder.began - 1.5)
    content = EvidenceContent(findings=[FINDING], seed=3, fingerprints={"data": "sha256:1", "empty": ""})
    result = record(recorder, content, lambda evidence, file: Summary(evidence.reason, {"x": "1"}, {"file": file}))
    path = tmp_path / "out" / "e" / "toy-eu.json"
    evidence = decode(path.read_bytes(), Evidence, EVIDENCE_SCHEMA, "it")
    assert (evidence.command, evidence.leg, evidence.reason_code) == ("toy", "eu", "toy")
    assert (result.outcome, result.reason_code, result.findings) == (Outcome.WARN, "toy", (FINDING,))
    assert result.outputs == {"evidence-file": "out/e/toy-eu.json", "x": "1"}
    assert result.data == {"evidence_file": "out/e/toy-eu.json", "file": "out/e/toy-eu.json"}
    assert result.text == "Because."
    origin = evidence.provenance
    assert (origin.head_sha, origin.base_sha, origin.run_id, origin.run_attempt) == (SHA, "b" * 40, "7", 2)
    assert (origin.started, origin.seed) == ("2026-01-02T03:04:05Z", 3)
    assert 1.5 <= (origin.seconds or 0.0) < 60  # the clock of the services goes backwards
    assert origin.fingerprints["data"] == "sha256:1"
    assert "empty" not in origin.fingerprints


def test_a_ruling_and_a_start_replace_what_follows_from_the_findings(tmp_path: Path) -> None:
    """A command may state outcome, code, reason and start; nothing is written by `build`."""
    recorder = open_recorder("toy", Common(), services(tmp_path), leg="x")
    ruling = (Outcome.ERROR, "code", "Reason.")
    evidence = build(recorder, EvidenceContent(findings=[FINDING], ruling=ruling, started="2025-01-01T00:00:00Z"))
    assert (evidence.outcome, evidence.reason_code, evidence.reason) == ruling
    assert (evidence.leg, evidence.provenance.started) == ("x", "2025-01-01T00:00:00Z")
    assert list(tmp_path.iterdir()) == []


def test_companions_are_written_and_old_ones_removed(tmp_path: Path) -> None:
    """The histogram log belongs to the evidence next to it; evidence without one removes an older log."""
    recorder = open_recorder("toy", Common(), services(tmp_path))
    record(recorder, EvidenceContent(findings=[FINDING], companions={"hlog": b"log"}))
    log = tmp_path / "evidence" / "toy.hlog"
    assert hashlib.sha256(log.read_bytes()).digest() == hashlib.sha256(b"log").digest()
    record(recorder, EvidenceContent(findings=[FINDING]))
    assert not log.exists()


@pytest.mark.parametrize(
    ("inputs", "sha", "message"),
    [
        (Common(leg="../x"), SHA, "leg"),
        (Common(evidence_dir="file"), SHA, "evidence-dir"),
        (Common(), "", "commit under test"),
    ],
)
def test_a_recorder_fails_before_the_measurement(tmp_path: Path, inputs: Common, sha: str, message: str) -> None:
    """A leg that is no plain name, a folder that cannot be written to and an unknown commit are reported first."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=message):
        open_recorder("toy", inputs, services(tmp_path, sha))


def test_a_dry_run_needs_no_writable_folder(tmp_path: Path) -> None:
    """Nothing is written by a dry run, so that the folder is not tested."""
    (tmp_path / "file").write_text("")
    assert open_recorder("toy", Common(evidence_dir="file", dry_run=True), services(tmp_path)).command == "toy"
