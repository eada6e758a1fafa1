"""Bad input: one line that states where, why and how to fix it, exit code 2, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from consumer import POLICY, WITH_LATENCY, predictions
from ghmlops.act.evidence import write_evidence
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome, conclude
from github_api.server import running
from github_api.spec import default_file

if TYPE_CHECKING:
    from pathlib import Path

HEAD, OTHER = "a" * 40, "b" * 40
LATENCY = ["latency", "--url", "http://127.0.0.1:9"]
PREVIEWED = """\
version: 1
service: click-scorer
preview: {command: "serve --port {port}", ready: /healthz}
gate: {environment: production, require: [preview]}
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Return a folder with valid policy, payloads and predictions."""
    for side in ("baseline", "candidate"):
        predictions(tmp_path / "predictions" / f"{side}.parquet", noise=0.005, seed=1)
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ghmlops.yml").write_text(POLICY + WITH_LATENCY)
    (tmp_path / "requests.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    return tmp_path


def ghmlops(work: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `work`, as on a runner, for the commit `HEAD`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(work), "GITHUB_SHA": HEAD, "GITHUB_REPOSITORY": "acme/shop"}
    command = [sys.executable, "-I", "-m", "ghmlops", *arguments]
    return subprocess.run(
        command, cwd=work, env={**environment, **variables}, capture_output=True, text=True, check=False, timeout=120
    )


def write_passed_evidence(work: Path, commit: str = HEAD) -> None:
    """Write passed evidence of a commit, and a policy that requires nothing else."""
    (work / ".github" / "ghmlops.yml").write_text(PREVIEWED)
    finding = Finding(id="preview-ready", metric="startup-time", outcome=Outcome.PASS, reason="2 s.", docs="README.md")
    outcome, code, reason = conclude([finding])
    now = datetime.now(UTC).isoformat(timespec="seconds")
    evidence = Evidence(
        command="preview",
        outcome=outcome,
        reason_code=code,
        reason=reason,
        provenance=Provenance(repository="acme/shop", head_sha=commit, started=now),
        findings=[finding],
    )
    write_evidence(work / "evidence", evidence)


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that the last line on stderr is the error, with these words and a hint; exit code 2; no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("ghmlops: error: "))
    assert done.stderr.rstrip("\n").endswith(line)
    assert "; " in line
    for word in words:
        assert word in line


def edit(work: Path, old: str, new: str) -> None:
    """Replace text in the policy."""
    file = work / ".github" / "ghmlops.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("command", [["policy", "check"], ["regression"], LATENCY, ["check"], ["gate"]])
def test_unknown_policy_key(work: Path, command: list[str]) -> None:
    """Every command that reads the policy names the file, the line, the key, and the nearest valid key."""
    edit(work, "slices:", "slice:")
    assert_one_line(ghmlops(work, *command), ".github/ghmlops.yml:8", "`slice`", "did you mean `slices`?")


def test_malformed_duration(work: Path) -> None:
    """`p99: fast` is not a duration."""
    edit(work, "{p90: 2s,", "{p99: fast,")
    assert_one_line(ghmlops(work, "policy", "check"), "slo.p99", '"fast"', "150ms")


def test_missing_parquet(work: Path) -> None:
    """The error names a missing artifact."""
    (work / "predictions" / "candidate.parquet").unlink()
    assert_one_line(ghmlops(work, "regression"), "predictions/candidate.parquet")


def test_truncated_parquet(work: Path) -> None:
    """The error names a truncated artifact, which is not read as one with fewer rows."""
    file = work / "predictions" / "candidate.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    assert_one_line(ghmlops(work, "regression"), "predictions/candidate.parquet")


def test_missing_column(work: Path) -> None:
    """The error names a column of the policy that the artifact lacks."""
    edit(work, "score: p_click", "score: p_klick")
    assert_one_line(ghmlops(work, "regression"), "p_klick", "p_click")


def test_refused_connection(work: Path) -> None:
    """The error names an address without a listening service."""
    assert_one_line(ghmlops(work, *LATENCY), "127.0.0.1:9")


@pytest.mark.parametrize("name", ["requests.jsonl", "requests.parquet"])
def test_payloads_without_rows(work: Path, name: str) -> None:
    """A payload file without rows is an error before anything is sent."""
    if name.endswith("parquet"):
        pq.write_table(pa.table({"x": pa.array([], pa.int64())}), work / name)
    else:
        (work / name).write_text("\n")
    assert_one_line(ghmlops(work, *LATENCY, "--payloads", name), name, "row")


def test_evidence_of_another_commit(work: Path) -> None:
    """Evidence of another commit is an error, and the message names both commits."""
    write_passed_evidence(work, OTHER)
    assert_one_line(ghmlops(work, "gate", "--commit", HEAD), HEAD, OTHER)


def test_event_without_a_pull_request(work: Path) -> None:
    """A comment is requested, but the event file names no pull request."""
    write_passed_evidence(work)
    (work / "event.json").write_text('{"ref": "refs/heads/main"}')
    variables = {"GITHUB_EVENT_PATH": "event.json", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_ACTIONS": "true"}
    done = ghmlops(work, "report", "--token", "t-1234567890", **variables, GITHUB_API_URL="http://127.0.0.1:9")
    assert_one_line_or_annotation(done, "pull request")


def assert_one_line_or_annotation(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert the same as `assert_one_line` if an annotation follows the line."""
    lines = done.stderr.splitlines()
    plain = "\n".join(line for line in lines if not line.startswith("::"))
    assert any(line.startswith("::error ") for line in lines)
    assert_one_line(subprocess.CompletedProcess(done.args, done.returncode, done.stdout, plain), *words)


@pytest.mark.skipif(not default_file().is_file(), reason="GitHub's API description is missing: `scripts/test` gets it")
@pytest.mark.parametrize(
    ("command", "permission"),
    [
        (["report", "--pull-request", "7"], "pull-requests: write"),
        (["gate"], "statuses: write"),
    ],
    ids=["report", "gate"],
)
def test_a_token_that_can_only_read(work: Path, command: list[str], permission: str) -> None:
    """The error names the missing permission."""
    write_passed_evidence(work)
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": {"contents": "read"}}
    request = {"number": 7, "head_sha": HEAD, "head_ref": "topic", "base_ref": "main", "base_sha": OTHER}
    seed = {"repositories": {"acme/shop": {}}, "tokens": {"read-only-token": token}, "pull_requests": [request]}
    with running(seed) as api:
        done = ghmlops(work, *command, "--token", "read-only-token", GITHUB_API_URL=api.url)
        assert api.violations == []
    assert_one_line(done, permission)
