"""`ghmlops gate`: exit codes, the verdict file, what reaches GitHub, what a person reads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.evidence import verdict_digest, write_evidence
from ghmlops.cli import main
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.measure.evidence import read_verdict
from github_api.server import Api

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMMIT, OTHER = "a" * 40, "b" * 40
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {environment: production, require: [preview], max-age: 1d}
"""


def measured(here: Path, outcome: str = "pass", *, age: timedelta = timedelta(minutes=5), **origin: Any) -> None:
    """Write the evidence of a preview."""
    started = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    defaults: dict[str, Any] = {"repository": "acme/shop", "head_sha": COMMIT, "run_id": "42", "started": started}
    reason = f"p99 says {outcome}."
    finding = Finding(id="preview-ready", metric="startup-time", outcome=Outcome(outcome), reason=reason, docs="a#b")
    concluded, code, summary = conclude([finding])
    evidence = Evidence(
        command="preview",
        outcome=concluded,
        reason_code=code,
        reason=summary,
        provenance=Provenance(**{**defaults, **origin}),
        findings=[finding],
    )
    write_evidence(here / "evidence", evidence)


def outputs(here: Path) -> dict[str, str]:
    """Parse the step's outputs."""
    result, lines = {}, iter((here / "outputs").read_text().splitlines())
    for line in lines:
        name, _, mark = line.partition("<<")
        value = []
        while (text := next(lines)) != mark:
            value.append(text)
        result[name] = "\n".join(value)
    return result


def verdict_of(here: Path) -> Any:
    """Read the verdict file."""
    return read_verdict(here / "verdict.json")


EXITS = [
    # outcome, flags, exit code
    ("pass", [], 0),
    ("warn", [], 0),
    ("warn", ["--fail-on", "warn"], 1),
    ("pass", ["--fail-on", "warn"], 0),
    ("inconclusive", [], 1),
    ("inconclusive", ["--fail-on", "fail"], 1),
    ("fail", [], 1),
    ("error", [], 2),
]


@pytest.mark.parametrize(("outcome", "flags", "code"), EXITS)
def test_only_pass_and_warn_exit_0(here: Path, outcome: str, flags: list[str], code: int) -> None:
    """The exit code is 0 for pass and warn alone, 2 for error, 1 for what lies between; the verdict is written."""
    measured(here, outcome)
    assert main(["gate", *flags]) == code
    verdict = verdict_of(here)
    assert (verdict.outcome, verdict.commit, verdict.environment, verdict.service) == (
        outcome,
        COMMIT,
        "production",
        "shop",
    )
    assert {k: v for k, v in outputs(here).items() if k not in ("reason", "base-sha")} == {
        "commit": COMMIT,
        "outcome": outcome,
        "reason-code": verdict.reason_code,
        "verdict-file": "verdict.json",
        "verdict-digest": verdict_digest(verdict),
        "decision": "allowed" if code == 0 else "hold" if outcome in ("inconclusive", "warn") else "refused",
        "record-file": "",
        "deployment-id": "",
    }


def test_without_a_token_the_plan_is_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is asked anything; the plan says what would be written, the verdict is on disk."""
    measured(here)
    assert main(["gate"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (COMMIT in lines[0], "production" in lines[0], "preview.json" in lines[2]) == (True, True, True)
    first = lines.index("verdict written to verdict.json") + 2
    steps = [line.strip().partition(":")[0].split() for line in lines[first:]]
    assert [(step[2], step[-1]) for step in steps] == [
        ("status", "pending"),
        ("deployment", "production"),
        ("deployment", "queued"),
        ("status", "success"),
    ]
    assert [COMMIT in step for step in steps] == [True, True, False, True]
    assert [step[3] for step in steps if step[2] == "status"] == ["ghmlops/shop/production"] * 2


def test_dry_run_sends_nothing(here: Path, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """With --dry-run the token is not used."""
    measured(here)
    assert main(["gate", "--token", "t", "--dry-run"]) == 0
    assert api.state.requests == []
    assert "create a deployment" in capsys.readouterr().out


RECORDED = [("pass", "success", "queued", 0), ("fail", "failure", "failure", 1)]


@pytest.mark.parametrize(("outcome", "state", "deployed", "code"), RECORDED)
def test_recorded_on_github(here: Path, api: Api, outcome: str, state: str, deployed: str, code: int) -> None:
    """With a token the deployment and the commit get their statuses; what is allowed is queued, not yet deployed."""
    measured(here, outcome)
    assert main(["gate", "--token", "t", "--environment", "staging", "--environment-url", "https://s.example"]) == code
    (deployment,) = api.state.deployments
    assert (deployment["sha"], deployment["environment"]) == (COMMIT, "staging")
    assert [s["state"] for s in api.state.deployment_statuses] == [deployed]
    assert [(s["sha"], s["context"], s["state"]) for s in api.state.statuses] == [
        (COMMIT, "ghmlops/shop/staging", "pending"),
        (COMMIT, "ghmlops/shop/staging", state),
    ]
    assert api.state.statuses[0]["target_url"] == "https://github.example/acme/shop/actions/runs/42"
    assert outputs(here)["deployment-id"] == str(deployment["id"])
    assert verdict_of(here).environment == "staging"


def test_a_second_attempt_does_not_double(here: Path, api: Api) -> None:
    """A re-run of the job adopts the open deployment; one that failed is history, and its successor is held."""
    measured(here, "pass")
    assert main(["gate", "--token", "t"]) == 0
    measured(here, "fail", run_attempt=2)
    assert main(["gate", "--token", "t"]) == 1
    measured(here, "pass", run_attempt=3)
    assert main(["gate", "--token", "t"]) == 1
    assert main(["gate", "--token", "t"]) == 1
    first, second = (d["id"] for d in api.state.deployments)
    states = [(s["deployment"], s["state"]) for s in api.state.deployment_statuses]
    assert states == [(first, "queued"), (first, "failure"), (second, "pending"), (second, "pending")]


def test_statuses_go_to_the_head_of_a_pull_request(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """On `pull_request` GITHUB_SHA is a merge commit that nobody sees: the statuses go to the head."""
    event = {"pull_request": {"number": 7, "head": {"sha": COMMIT}, "base": {"sha": "d" * 40}}}
    (here / "event.json").write_text(json.dumps(event))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(here / "event.json"))
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    monkeypatch.setenv("GITHUB_SHA", OTHER)
    measured(here)
    assert main(["gate", "--token", "t"]) == 0
    assert {s["sha"] for s in api.state.statuses} | {d["sha"] for d in api.state.deployments} == {COMMIT}


def test_read_only_token(here: Path, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """A read-only token is one line with the permission's name, exit 2, nothing changed, and the verdict kept."""
    api.seed(tokens={"weak": {"permissions": {"contents": "read"}}})
    measured(here)
    assert main(["gate", "--token", "weak"]) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("ghmlops: error:")]
    assert "lacks the permission `statuses: write`" in line
    assert "permissions: {contents: read, statuses: write}" in line
    assert (api.state.statuses, api.state.deployments) == ([], [])
    assert outputs(here) == {"outcome": "error", "reason-code": "permission-missing"}
    assert verdict_of(here).outcome is Outcome.PASS


@pytest.mark.parametrize("missing", ["GITHUB_API_URL", "GITHUB_REPOSITORY"])
def test_token_without_a_server_or_repository(
    here: Path, api: Api, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A token that leads nowhere is an input error, not a silent plan."""
    measured(here)
    monkeypatch.delenv(missing)
    assert main(["gate", "--token", "t"]) == 2
    assert f"the runner sets {missing}" in capsys.readouterr().err
    assert api.state.requests == []


def test_evidence_of_another_commit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Evidence of another commit is an error that names both."""
    measured(here, head_sha=OTHER)
    assert main(["gate"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ghmlops: error: preview.json ")
    assert COMMIT in line
    assert OTHER in line
    assert "--commit" in line
    assert verdict_of(here).reason_code == "evidence-foreign"


def test_given_commit_is_judged(here: Path) -> None:
    """The commit asked for counts, not the run's own; capitals do not matter."""
    measured(here, head_sha=OTHER)
    assert main(["gate", "--commit", OTHER.upper()]) == 0
    assert verdict_of(here).commit == OTHER


def broken(folder: Path) -> None:
    (folder / "preview.json").write_text('{"schema": "ghmlops/evidence/v1"')


def empty(folder: Path) -> None:
    assert folder.is_dir()


def no_folder(folder: Path) -> None:
    folder.rmdir()


def a_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("not a folder")


def too_many(folder: Path) -> None:
    for number in range(513):
        (folder / f"preview-{number}.json").write_text("{}")


FOLDERS: list[tuple[Callable[[Path], None], int, str, str]] = [
    (broken, 2, "evidence-unreadable", "preview.json cannot be used"),
    (empty, 1, "evidence-missing", "There is no evidence of `preview` for this commit"),
    (no_folder, 1, "evidence-missing", "evidence folder evidence does not exist"),
    (a_file, 2, "evidence-unreadable", "evidence cannot be used"),
    (too_many, 2, "evidence-unreadable", "513 files"),
]


@pytest.mark.parametrize(("spoil", "code", "reason", "message"), FOLDERS)
def test_no_evidence_is_never_a_pass(
    here: Path,
    spoil: Callable[[Path], None],
    code: int,
    reason: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Broken, empty, absent or absurd evidence shuts the gate with one line, and the verdict says why."""
    (here / "evidence").mkdir()
    spoil(here / "evidence")
    assert main(["gate"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "; " in line
    assert verdict_of(here).reason_code == reason


def test_stale_evidence(here: Path) -> None:
    """Evidence older than the policy's max-age is inconclusive."""
    measured(here, age=timedelta(days=2))
    assert main(["gate"]) == 1
    assert verdict_of(here).reason_code == "evidence-stale"


INPUTS = [
    (["--commit", "HEAD"], "input `commit`: expected a full SHA"),
    (["--commit", "abc1234"], "input `commit`: expected a full SHA"),
    (["--commit", "g" * 40], "input `commit`: expected a full SHA"),
    (["--commit", "--verdict-file"], "--commit: expected one argument"),
    (["--environment", "a\nb"], "input `environment`"),
    (["--environment", "x" * 300], "input `environment`"),
    (["--environment-url", "javascript:alert(1)"], "input `environment-url`"),
    (["--environment-url", "https://a b"], "input `environment-url`"),
    (["--policy", "none.yml"], "none.yml: no such file"),
]


@pytest.mark.parametrize(("flags", "message"), INPUTS)
def test_bad_input(here: Path, flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input is one line with a hint and exit 2; no verdict is written."""
    measured(here)
    assert main(["gate", *flags]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert "; " in line
    assert not (here / "verdict.json").exists()


def test_short_sha_is_resolved_by_git(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A short SHA is completed by git where it is unique; a branch that looks like one is not taken for it."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for args in (["init", "-q"], [*author, "commit", "-q", "--allow-empty", "-m", "one"], ["branch", "deadbeef"]):
        subprocess.run(["git", *args], cwd=here, check=True, timeout=30)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=here, check=True, capture_output=True, text=True, timeout=30
    )
    sha = done.stdout.strip()
    measured(here, head_sha=sha)
    assert main(["gate", "--commit", sha[:10]]) == 0
    assert verdict_of(here).commit == sha
    assert main(["gate", "--commit", "deadbeef"]) == 2
    assert "expected a full SHA" in capsys.readouterr().err


def test_json_for_scripts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints outcome, verdict and plan as one object."""
    measured(here, "fail")
    assert main(["gate", "--json"]) == 1
    output = json.loads(capsys.readouterr().out)
    assert (output["outcome"], output["reason_code"], output["deployment_id"]) == ("fail", "preview-ready", None)
    assert output["verdict"]["commit"] == COMMIT
    assert [step["step"] for step in output["plan"]] == [
        "SetCommitStatus",
        "CreateDeployment",
        "SetDeploymentStatus",
        "SetCommitStatus",
    ]


def test_hostile_evidence_cannot_paint_the_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters from evidence files reach neither the terminal nor the workflow's commands."""
    measured(here, "fail")
    file = here / "evidence/preview.json"
    file.write_text(file.read_text().replace("p99 says fail.", "\\u001b[2J\\n::set-output name=x::y"))
    assert main(["gate"]) == 1
    output = capsys.readouterr()
    assert "\x1b" not in output.out + output.err
    assert [x for x in (output.out + output.err).splitlines() if x.startswith("::")] == []


def test_verdict_is_kept_when_github_refuses(here: Path, api: Api) -> None:
    """When GitHub refuses, the exit code is 2, and the verdict file is whole."""
    measured(here)
    api.seed(faults=[{"kind": "status", "status": 422, "message": "no", "path": "/statuses/"}])
    assert main(["gate", "--token", "t"]) == 2
    assert verdict_of(here).outcome is Outcome.PASS
    assert outputs(here)["outcome"] == "error"


def test_interrupted_while_waiting(here: Path, api: Api) -> None:
    """Ctrl-C during a rate limit ends with 130, closes the pending status, and leaves the verdict whole."""
    measured(here)
    limit = {"kind": "status", "status": 429, "message": "limit", "headers": {"Retry-After": "200"}}
    api.seed(faults=[{**limit, "method": "POST", "path": "/deployments$"}])
    child = subprocess.Popen(
        [sys.executable, "-m", "ghmlops", "gate", "--token", "t"], cwd=here, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stderr is not None
        waiting = (line for line in child.stderr if "waiting 200 s" in line)
        assert next(waiting, "")
        child.send_signal(signal.SIGINT)
        rest = child.stderr.read()
        assert child.wait(30) == 130
    finally:
        child.kill()
        child.communicate(timeout=30)
    assert "interrupted" in rest
    assert [s["state"] for s in api.state.statuses] == ["pending", "error"]
    assert verdict_of(here).outcome is Outcome.PASS
    assert sorted(p.name for p in here.iterdir()) == [".github", "evidence", "verdict.json"]
