"""Commands in comments, from the payload of the event to the answer, with a local GitHub API."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from github_api import spec
from github_api.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from github_api.server import Api

HEAD, MAIN = "a" * 40, "c" * 40
POLICY = """\
version: 1
service: shop
preview: {command: "serve --port {port}", ready: /healthz}
gate: {require: [preview], override: {role: maintain}}
"""
EXAMPLES = Path(os.environ.get("GHMLOPS_NODE_TOOLS", "missing")) / (
    "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
)
ROLES = {"ada": "maintain", "wim": "write", "tim": "triage"}
FLAGS = ["slash-command", "--token", "t", "--measure-workflow", "ci.yml", "--gate-workflow", "gate.yml"]
OLD = "2026-01-01T00:00:00Z"
RERUN, OVERRIDE = "/ghmlops rerun", "/ghmlops override release tonight"


class Job:
    """A job of an `issue_comment` run on the default branch."""

    def __init__(self, folder: Path, api: Api, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.api, self.patch = folder, api, patch

    def comment(self, body: str, login: str = "ada", kind: str = "User", **event: Any) -> int:
        """Write a comment and its event; return its id."""
        self.api.seed(comments=[{"issue": 7, "body": body, "login": login, "type": kind}])
        row = self.api.state.comments[-1]
        payload = {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "x"}, "author_association": "OWNER"},
            "comment": {**{k: row[k] for k in ("id", "body", "created_at")}, "author_association": "OWNER"},
            "repository": {"full_name": "acme/shop", "default_branch": "main"},
        }
        self.deliver({**payload, **event})
        return int(row["id"])

    def deliver(self, payload: dict[str, Any], name: str = "issue_comment") -> None:
        """Set the event of the job."""
        file = self.folder / "event.json"
        file.write_text(json.dumps(payload))
        self.patch.setenv("GITHUB_EVENT_PATH", str(file))
        self.patch.setenv("GITHUB_EVENT_NAME", name)

    def run(self, *flags: str) -> tuple[int, str]:
        """Run the command; return its exit code and its reason code."""
        outputs = self.folder / "outputs"
        outputs.unlink(missing_ok=True)
        code = main([*FLAGS, *flags])
        lines = outputs.read_text().splitlines()
        at = next(index for index, line in enumerate(lines) if line.startswith("reason-code"))
        value = lines[at].partition("=")[2] or lines[at + 1]
        return code, value

    @property
    def answers(self) -> list[str]:
        """The text of each comment of the bot, without its marker."""
        return [c["body"].partition("\n")[2].strip() for c in self.api.state.comments if c["login"].endswith("[bot]")]

    @property
    def reactions(self) -> list[str]:
        """The reactions, in order."""
        return [r["content"] for r in self.api.state.reactions]

    @property
    def written(self) -> list[str]:
        """The paths of all requests that change something."""
        return [r["path"] for r in self.api.state.requests if r["method"] != "GET" and "graphql" not in r["path"]]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    """Return a job of a repository with an open pull request whose run failed."""
    if not spec.default_file().is_file():
        pytest.skip(f"GitHub's OpenAPI description is missing; {spec.FETCH}")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/ghmlops.yml").write_text(POLICY)
    repository = {"roles": ROLES, "refs": {"heads/main": MAIN}}
    run = {"id": 42, "head_sha": HEAD, "head_branch": "change-7", "conclusion": "failure", "created_at": OLD}
    seed = {
        "repositories": {"acme/shop": repository},
        "pull_requests": [{"number": 7, "head_sha": HEAD}],
        "runs": [run],
    }
    with running(seed) as api:
        for name in [name for name in os.environ if name.startswith(("GITHUB_", "GHMLOPS_"))]:
            if name not in ("GHMLOPS_NODE_TOOLS", "GHMLOPS_OPENAPI"):
                monkeypatch.delenv(name)
        values = {"GITHUB_REPOSITORY": "acme/shop", "GITHUB_API_URL": api.url, "GITHUB_SHA": MAIN}
        for name, value in {**values, "GITHUB_OUTPUT": str(tmp_path / "outputs")}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield Job(tmp_path, api, monkeypatch)
        assert api.violations == []


def test_rerun(job: Job) -> None:
    """The failed run of the head starts again; the comment has two reactions and one answer, which names the run."""
    job.comment(RERUN, login="wim")
    assert job.run() == (0, "rerun-started")
    assert [run["run_attempt"] for run in job.api.state.runs] == [2]
    assert job.reactions == ["eyes", "+1"]
    (answer,) = job.answers
    assert HEAD[:7] in answer
    assert answer.endswith("/actions/runs/42.")


def test_override(job: Job) -> None:
    """The gate of the default branch starts with the head, its run, the reason and the comment."""
    comment_id = job.comment(OVERRIDE + " `$(id)` ${{ github.token }}")
    assert job.run() == (0, "gate-started")
    started = job.api.state.runs[-1]
    assert (started["path"], started["head_sha"]) == (".github/workflows/gate.yml", MAIN)
    assert started["inputs"] == {
        "commit": HEAD,
        "run-id": "42",
        "override-reason": "release tonight `$(id)` ${{ github.token }}",
        "override-comment": str(comment_id),
    }
    (answer,) = job.answers
    assert "$" not in answer
    assert job.reactions == ["eyes", "+1"]


@pytest.mark.parametrize("command", [RERUN, OVERRIDE])
def test_a_second_delivery_does_nothing(job: Job, command: str) -> None:
    """The answer records that the comment was carried out."""
    job.comment(command)
    job.run()
    before = job.written
    assert job.run() == (0, "answered-before")
    assert job.written == before
    assert len(job.answers) == 1


INTERRUPTED = [
    (RERUN, {"still-running", "already-rerun"}),  # by whether the run has ended when the next delivery comes
    (OVERRIDE, {"unknown-result"}),
]


@pytest.mark.parametrize(("command", "codes"), INTERRUPTED)
def test_an_interrupted_delivery(job: Job, command: str, codes: set[str]) -> None:
    """The next one does not act twice: a run that started again is visible, an override is reported as unknown."""
    job.comment(command)
    answer = r"/issues/comments/[0-9]+$"
    job.api.seed(faults=[{"kind": "status", "status": 404, "method": "PATCH", "path": answer, "times": 99}])
    assert job.run()[0] == 2
    job.api.state.faults.clear()
    exit_code, reason_code = job.run()
    assert (exit_code, reason_code in codes) == (0, True), reason_code
    assert len([p for p in job.written if p.endswith(("/rerun", "/dispatches"))]) == 1


REFUSED: list[tuple[str, str, str]] = [
    (RERUN, "tim", "not-allowed"),
    (RERUN, "mallory", "not-allowed"),
    (OVERRIDE, "wim", "not-allowed"),
    (OVERRIDE, "mallory", "not-allowed"),
    ("/ghmlops deploy", "ada", "unknown-command"),
    ("/ghmlops override", "ada", "no-reason"),
    (f"{RERUN}\n{OVERRIDE}", "ada", "several-commands"),
]


@pytest.mark.parametrize(("body", "login", "code"), REFUSED)
def test_refused(job: Job, body: str, login: str, code: str) -> None:
    """Whatever the event states about the author, the API's role counts; the answer is one line, and nothing starts."""
    job.comment(body, login=login)
    assert job.run() == (0, code)
    assert (job.reactions, len(job.answers)) == (["confused"], 1)
    assert "\n" not in job.answers[0]
    assert all(p.endswith(("/comments", "/reactions")) for p in job.written)


def test_a_push_after_the_comment(job: Job) -> None:
    """The author did not see the new head: it is refused, also if it was measured once before."""
    job.comment(OVERRIDE)
    new = "d" * 40
    job.api.seed(pull_requests=[{"number": 7, "head_sha": new}])
    fields = {"head_sha": new, "head_branch": "change-7", "conclusion": "failure"}
    job.api.seed(runs=[{"id": 43, **fields, "created_at": "2099-01-01T00:00:00Z"}])
    assert job.run() == (0, "head-newer")


def test_a_force_push_after_the_comment(job: Job) -> None:
    """It returns to a commit whose run is older than the comment."""
    job.comment(RERUN)
    event = {"issue": 7, "login": "ada", "event": "head_ref_force_pushed", "created_at": "2099-01-01T00:00:00Z"}
    job.api.state.repositories["acme/shop"]["events"] = [event]
    assert job.run() == (0, "head-newer")


def test_an_edited_comment(job: Job) -> None:
    """A person with write access can edit the comments of others."""
    for field, value in (("updated_at", "2099-01-01T00:00:00Z"), ("body", OVERRIDE)):
        job.comment(RERUN)
        job.api.state.comments[-1][field] = value
        assert job.run() == (0, "comment-edited")


def test_what_is_no_command(job: Job) -> None:
    """Other comments, comments on issues and comments of bots get no answer, and need no token."""
    job.comment("thanks")
    assert job.run("--token", "") == (0, "no-command")
    job.comment(RERUN, issue={"number": 7})
    assert job.run("--token", "") == (0, "no-pull-request")
    job.comment(RERUN, login="ada[bot]", kind="Bot")
    assert job.run() == (0, "bot")
    assert job.written == []


def test_unusable_events_and_inputs(job: Job) -> None:
    """Another event, another action, no token, no repository path: exit code 2, and nothing is written."""
    job.comment(RERUN, action="edited")
    assert job.run()[0] == 2
    job.comment(RERUN)
    assert job.run("--token", "")[0] == 2
    assert job.run("--measure-workflow", "../../user")[0] == 2
    assert job.run("--gate-workflow", "gate")[0] == 2
    job.deliver({"comment": {"id": "1"}})
    assert job.run()[0] == 2
    job.deliver({}, name="push")
    assert job.run()[0] == 2
    assert job.written == []


def test_dry_run(job: Job) -> None:
    """Nothing is written."""
    job.comment(OVERRIDE)
    assert job.run("--dry-run") == (0, "dry-run")
    assert job.written == []


def test_a_missing_permission(job: Job) -> None:
    """The failed start is answered; without the right to answer, nothing is started."""
    weak = {"pull_requests": "write", "actions": "read", "contents": "read"}
    job.api.seed(tokens={"reads": {"permissions": weak}, "mute": {"permissions": {"actions": "write"}}})
    job.comment(RERUN)
    assert job.run("--token", "mute") == (2, "permission-missing")
    assert [run["run_attempt"] for run in job.api.state.runs] == [1]
    assert job.run("--token", "reads") == (2, "permission-missing")
    assert job.reactions[-1] == "confused"
    assert "permission-missing" in job.answers[0]


@pytest.mark.skipif(not EXAMPLES.is_file(), reason="the Node packages are not installed (scripts/test installs them)")
def test_the_payloads_of_github(job: Job) -> None:
    """Each published example of the event is understood: new comments contain no command, others are no new comment."""
    events = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    codes = set()
    for payload in next(event["examples"] for event in events if event["name"] == "issue_comment"):
        job.deliver(payload)
        code, reason = job.run()
        codes.add((payload["action"], code, reason in ("no-command", "no-pull-request")))
    assert codes == {("created", 0, True), ("edited", 2, False), ("deleted", 2, False)}
