"""Verifies the attestation of an artifact with GitHub's own command line, which checks signature, signer and commit."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec

from ghmlops.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TIMEOUT = 120.0
"""Seconds for one verification, which fetches the attestations and the roots of trust."""
_WORKFLOW = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+/\.github/workflows/[A-Za-z0-9._-]+\.ya?ml")
_PASSED = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")
"""Variables that `gh` receives in addition to its token."""
_DETAIL = 200


class Signer(NamedTuple):
    """Who must have attested an artifact, and how to ask for it."""

    repository: str
    """`owner/name` of the repository whose workflow ran."""
    workflow: str
    """`owner/name/.github/workflows/file.yml` of the workflow that signed; a reusable one signs by its own name."""
    server_url: str
    token: str


class _Digest(msgspec.Struct):
    sha256: str = ""


class _Subject(msgspec.Struct):
    digest: _Digest


class _Statement(msgspec.Struct):
    subject: list[_Subject]


class _Verification(msgspec.Struct):
    statement: _Statement


class _Attestation(msgspec.Struct):
    result: _Verification = msgspec.field(name="verificationResult")


def check_signer_workflow(text: str) -> str:
    """Return the name of a workflow that signs.

    Raises:
        InputError: It is not the full name of a workflow file.
    """
    if not _WORKFLOW.fullmatch(text):
        raise InputError(
            f"input `signer-workflow`: {text[:120]!a} is not a workflow",
            hint="OWNER/REPOSITORY/.github/workflows/FILE.yml, without a branch or tag",
        )
    return text


def attestation_problem(archive: Path, sha256: str, commit: str, signer: Signer, environ: Mapping[str, str]) -> str:
    """Return why no valid attestation of an archive exists, as the end of a sentence; empty if there is one.

    Args:
        archive: The archive.
        sha256: Its digest in hexadecimal, which the attestation must name.
        commit: Full SHA of the commit whose workflow run must have produced it.
        signer: Who must have attested it.
        environ: Variables of this process; `gh` receives only those that it needs.
    """
    command = [
        *("gh", "attestation", "verify", str(archive), "--repo", signer.repository),
        *("--signer-workflow", signer.workflow, "--source-digest", commit, "--format", "json"),
    ]
    host = urlsplit(signer.server_url).hostname
    command += ["--hostname", host] if host else []
    variables = {name: environ[name] for name in _PASSED if name in environ}
    # An enterprise server reads the second name.
    variables |= {"GH_TOKEN": signer.token, "GH_ENTERPRISE_TOKEN": signer.token, "GH_PROMPT_DISABLED": "1"}
    try:
        done = subprocess.run(
            command,
            env={"PATH": os.defpath, **variables},
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return "cannot be verified, because the GitHub CLI `gh` is not installed"
    except subprocess.TimeoutExpired:
        return f"could not be verified within {TIMEOUT:g} s"
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        detail = "".join(c if c.isprintable() else "?" for c in lines[-1])[:_DETAIL]
        return f"has no valid attestation by {signer.workflow} at {commit[:12]}: {detail}"
    return "" if _names(done.stdout, sha256) else f"has no attestation that names its digest {sha256[:12]}"


def _names(output: bytes, sha256: str) -> bool:
    """Return whether a verified statement names the digest. Some releases of `gh` succeed without any attestation."""
    try:
        attestations = msgspec.json.decode(output, type=list[_Attestation])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    subjects = [subject for item in attestations for subject in item.result.statement.subject]
    return bool(sha256) and any(subject.digest.sha256 == sha256 for subject in subjects)
