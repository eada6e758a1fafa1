"""`check` runs `shadow`: it starts candidate, baseline and its twin, and repeats a failure on restarted services."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from commands.check.test_command import Repository, change, check, git

if TYPE_CHECKING:
    from pathlib import Path

SERVICE = '''\
"""Answers with a score and an identifier."""
import json, sys, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SPECIAL = -1

class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    def do_GET(self): self.reply({"ready": True})
    def do_POST(self):
        x = json.loads(self.rfile.read(int(self.headers["content-length"])))["x"]
        self.reply({"id": str(uuid.uuid4()), "score": x / 100 if x != SPECIAL else 2.0, "label": x % 3})
    def reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

Server(("127.0.0.1", int(sys.argv[-1])), Answer).serve_forever()
'''
POLICY = """\
version: 1
service: check-test
preview: {{command: "{python} answers.py --port {{port}}", ready: /, timeout: 30s}}
shadow:
  requests: requests.jsonl
  safe: [POST /predict]
  expect: same
  answers: answers
  send: {{rate: 500/s}}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a service, a policy with `shadow` alone, and recorded bodies."""
    folder = tmp_path / "repo"
    (folder / ".github").mkdir(parents=True)
    (folder / "answers.py").write_text(SERVICE)
    (folder / ".github/ghmlops.yml").write_text(POLICY.format(python=sys.executable))
    (folder / "requests.jsonl").write_text("".join(f'{{"x": {x}}}\n' for x in range(80)))
    (folder / ".gitignore").write_text("evidence/\n*.md\n*.html\nanswers/\n")
    git(folder, "init", "--quiet", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "baseline")
    return Repository(folder, git(folder, "rev-parse", "HEAD"))


def evidence(repository: Repository, name: str) -> dict[str, Any]:
    """Return a file of the evidence folder."""
    content: dict[str, Any] = json.loads((repository.folder / "evidence" / name).read_text())
    return content


def test_one_changed_answer_in_eighty_fails_and_is_confirmed(repository: Repository) -> None:
    """A single row is proven, on restarted services again, and the verdict names it as confirmed."""
    change(repository, "SPECIAL = -1", "SPECIAL = 41")
    done = check(repository, "--base", repository.base, "--markdown", "report.md")
    assert done.returncode == 1, done.stderr
    verdict = evidence(repository, "verdict.json")
    assert (verdict["outcome"], verdict["reason_code"]) == ("fail", "shadow-single-answers")
    for name in ("shadow.json", "shadow-confirm.json"):
        proofs = evidence(repository, name)["details"]["proofs"]
        assert [(p["row"], p["path"], p["proven"]) for p in proofs] == [(42, "$.score", True)]
    assert verdict["confirmed"] == ["shadow:shadow-single-answers"]
    report = (repository.folder / "report.md").read_text(encoding="utf-8")
    assert "| `$.score` of POST /predict | 42 | `0.41` | `2.0` |" in report
    assert (repository.folder / "answers/baseline.parquet").is_file()


def test_an_unchanged_service_passes(repository: Repository) -> None:
    """The identifier is noise of the baseline; every request is compared, and nothing fails."""
    change(repository, '"""Answers with', '"""Always answers with')
    done = check(repository, "--base", repository.base)
    assert done.returncode == 0, done.stdout + done.stderr
    requests = evidence(repository, "shadow.json")["details"]["requests"]
    assert (requests["recorded"], requests["compared"]) == (80, 80)
    assert evidence(repository, "verdict.json")["outcome"] == "pass"


def test_a_candidate_that_answers_with_errors_fails(repository: Repository) -> None:
    """A service that becomes ready and cannot score is a regression, not missing data."""
    change(repository, '["x"]\n', '["y"]\n')
    done = check(repository, "--base", repository.base)
    assert done.returncode == 1, done.stderr
    assert evidence(repository, "verdict.json")["reason_code"] == "shadow-errors"
