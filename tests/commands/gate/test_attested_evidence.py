"""`gate --signer-workflow`: an artifact without a verified attestation is no evidence.

A small program stands for `gh`, which verifies for real only against GitHub.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import zipfile
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

COMMIT = "a" * 40
SIGNER = "ghmlops/ghmlops/.github/workflows/attest.yml"


@pytest.fixture
def digest(here: Path, api: Api, measured: Callable[..., Evidence]) -> str:
    """Upload passing evidence to run 41; return the digest of its artifact."""
    run = {"id": 41, "event": "push", "head_sha": COMMIT, "head_branch": "main", "head_repository": "acme/shop"}
    api.seed(runs=[run])
    policy = fingerprint(here / ".github/ghmlops.yml")
    origin = {"run_id": "41", "version": __version__, "service": "shop", "event": "push"}
    evidence = measured("pass", fingerprints={"policy": policy}, **origin)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("preview.json", msgspec.json.encode(evidence))
    content = base64.b64encode(packed.getvalue()).decode()
    api.seed(artifacts=[{"run_id": 41, "name": "ghmlops-evidence-check-1", "zip_base64": content}])
    return hashlib.sha256(packed.getvalue()).hexdigest()


def attested(here: Path, monkeypatch: pytest.MonkeyPatch, attested_digest: str) -> tuple[int, str]:
    """Run the gate where `gh` knows an attestation of one digest; return the exit code and the reason code."""
    output = [{"verificationResult": {"statement": {"subject": [{"digest": {"sha256": attested_digest}}]}}}]
    folder = here / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "gh").write_text(f"#!/bin/sh\nprintf '%s' '{json.dumps(output)}'\n")
    (folder / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    code = main(["gate", "--token", "t", "--run-id", "41", "--signer-workflow", SIGNER])
    return code, read_verdict(here / "verdict.json").reason_code


def test_attested_evidence_counts(here: Path, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attestation names the digest of the artifact that was downloaded."""
    code, _ = attested(here, monkeypatch, digest)
    assert (code, read_verdict(here / "verdict.json").outcome) == (0, "pass")


def test_an_artifact_without_an_attestation_is_no_evidence(
    here: Path, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attestation of another artifact leaves this one unreadable, whatever it contains."""
    assert attested(here, monkeypatch, digest[::-1]) == (2, "evidence-unreadable")


@pytest.mark.parametrize(
    "flags", [["--signer-workflow", SIGNER], ["--token", "t", "--run-id", "41", "--signer-workflow", "attest.yml"]]
)
def test_what_cannot_be_attested_is_an_error(
    here: Path, digest: str, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of a folder, and a signer that is no workflow: one line, no verdict."""
    assert digest
    assert main(["gate", *flags]) == 2
    assert not (here / "verdict.json").exists()
    error = capsys.readouterr().err
    assert "signer-workflow" in error
    assert "Traceback" not in error
