"""What a person gets wrong: one line that says where, why and how to mend it, exit code 2, and no traceback."""

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
from ghmlops.core.model import Finding, Outcome
from github_api.server import running
from github_api.spec import default_file

if TYPE_CHECKING:
    from pathlib import Path

HEAD, OTHER = "a" * 40, "b" * 40
LATENCY = ["latency", "--url", "http://127.0.0.1:9"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a policy, payloads and predictions that are all in order."""
    for side in ("baseline", "candidate"):
        predictions(tmp_path / "predictions" / f"{side}.parquet", noise=0.005, seed=1)
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github" / "ghmlops.yml").write_text(POLICY + WITH_LATENCY)
    (tmp_path / "requests.jsonl").write_text('{"x": 1}\n{"x": 2}\n')
    return tmp_path


def ghmlops(work: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in `work`, as on a runner, for the commit `HEAD`."""
    known = {"PATH": os.environ["PATH"], "HOME": str(work), "GITHUB_SHA": HEAD, "GITHUB_REPOSITORY": "acme/shop"}
    command = [sys.executable, "-I", "-m", "ghmlops", *arguments]
    return subprocess.run(
        command, cwd=work, env={**known, **variables}, capture_output=True, text=True, check=False, timeout=120
    )


def judged(work: Path, commit: str = HEAD) -> None:
    """Write evidence that passed, for a commit."""
    finding = Finding(id="auc", metric="auc", outcome=Outcome.PASS, reason="Same.", docs="README.md")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    origin = Provenance(repository="acme/shop", head_sha=commit, started=now)
    for command in ("regression", "latency"):
        evidence = Evidence(command=command, outcome=Outcome.PASS, provenance=origin, findings=[finding])
        write_evidence(work / "evidence", evidence)


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The last line on stderr is the error, with these words and a hint after a semicolon; exit 2; no traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("ghmlops: error: "))
    assert done.stderr.rstrip("\n").endswith(line)
    assert "; " in line
    for word in words:
        assert word in line


def edit(work: Path, old: str, new: str) -> None:
    """Change the policy."""
    file = work / ".github" / "ghmlops.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("command", [["policy", "check"], ["regression"], LATENCY, ["check"], ["gate"]])
def test_unknown_policy_key(work: Path, command: list[str]) -> None:
    """Every command that reads the policy names the file, the line, the key, and the nearest one."""
    edit(work, "slices:", "slice:")
    assert_one_line(ghmlops(work, *command), ".github/ghmlops.yml:8", "`slice`", "did you mean `slices`?")


def test_malformed_duration(work: Path) -> None:
    """`p99: fast` is not a duration."""
    edit(work, "{p90: 2s,", "{p99: fast,")
    assert_one_line(ghmlops(work, "policy", "check"), "slo.p99", '"fast"', "150ms")


def test_missing_parquet(work: Path) -> None:
    """An artifact that is not there is named."""
    (work / "predictions" / "candidate.parquet").unlink()
    assert_one_line(ghmlops(work, "regression"), "predictions/candidate.parquet")


def test_truncated_parquet(work: Path) -> None:
    """An artifact that was cut is named, and not read as one with fewer rows."""
    file = work / "predictions" / "candidate.parquet"
    file.write_bytes(file.read_bytes()[:-200])
    assert_one_line(ghmlops(work, "regression"), "predictions/candidate.parquet")


def test_missing_column(work: Path) -> None:
    """A column that the policy names and the artifact lacks is named."""
    edit(work, "score: p_click", "score: p_klick")
    assert_one_line(ghmlops(work, "regression"), "p_klick", "p_click")


def test_refused_connection(work: Path) -> None:
    """An address where nobody listens is named."""
    assert_one_line(ghmlops(work, *LATENCY), "127.0.0.1:9")


@pytest.mark.parametrize("name", ["requests.jsonl", "requests.parquet"])
def test_payloads_without_rows(work: Path, name: str) -> None:
    """A payload file with no rows is refused before anything is sent."""
    if name.endswith("parquet"):
        pq.write_table(pa.table({"x": pa.array([], pa.int64())}), work / name)
    else:
        (work / name).write_text("\n")
    assert_one_line(ghmlops(work, *LATENCY, "--payloads", name), name, "row")


def test_evidence_of_another_commit(work: Path) -> None:
    """Foreign evidence is an error, not a pass, and both commits are named."""
    judged(work, OTHER)
    assert_one_line(ghmlops(work, "gate", "--commit", HEAD), HEAD, OTHER)


def test_event_without_a_pull_request(work: Path) -> None:
    """A comment was asked for, and the event file names no pull request."""
    judged(work)
    (work / "event.json").write_text('{"ref": "refs/heads/main"}')
    variables = {"GITHUB_EVENT_PATH": "event.json", "GITHUB_EVENT_NAME": "pull_request", "GITHUB_ACTIONS": "true"}
    done = ghmlops(work, "report", "--token", "t-1234567890", **variables, GITHUB_API_URL="http://127.0.0.1:9")
    assert_one_line_or_annotation(done, "pull request")


def assert_one_line_or_annotation(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """As `assert_one_line`, where the line is followed by its annotation."""
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
    """The permission that is missing is named."""
    judged(work)
    token = {"login": "github-actions[bot]", "kind": "installation", "permissions": {"contents": "read"}}
    request = {"number": 7, "head_sha": HEAD, "head_ref": "topic", "base_ref": "main", "base_sha": OTHER}
    seed = {"repositories": {"acme/shop": {}}, "tokens": {"read-only-token": token}, "pull_requests": [request]}
    with running(seed) as api:
        done = ghmlops(work, *command, "--token", "read-only-token", GITHUB_API_URL=api.url)
        assert api.violations == []
    assert_one_line(done, permission)
