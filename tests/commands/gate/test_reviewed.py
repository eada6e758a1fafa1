"""A push that changes what judges it: the review of the merged pull request counts, and nothing else does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.act.evidence import write_evidence
from ghmlops.cli import main
from ghmlops.core.model import Finding, Outcome, conclude
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

LABEL = "ghmlops: inputs reviewed"
POLICY = ".github/ghmlops.yml"


def time(minute: int) -> str:
    """Return a time on the day of the push."""
    return f"2026-01-01T12:{minute:02}:00Z"


class Branch:
    """The checkout of `main` with a deployed commit, on which pull request 7 is merged, and the gate that judges it."""

    def __init__(self, here: Path, api: Api, measured: Callable[..., Evidence], patch: pytest.MonkeyPatch) -> None:
        self.here, self.api, self.measured, self.patch = here, api, measured, patch
        self.git("init", "--quiet", "--initial-branch=main")
        self.deployed = self.commit({"app.py": "1"})

    def git(self, *args: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@b.c")
        command = ["git", *identity, *args]
        return subprocess.run(command, cwd=self.here, capture_output=True, text=True, check=True).stdout.strip()

    def commit(self, files: dict[str, str]) -> str:
        """Commit files on the current branch and return the commit."""
        for name, text in files.items():
            (self.here / name).write_text(text)
        self.git("add", POLICY, *files)
        self.git("commit", "--quiet", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def merged(self, kind: str) -> tuple[str, str]:
        """Merge a topic that changes the policy; return its head and the commit on `main`."""
        self.git("checkout", "--quiet", "-b", "topic")
        head = self.commit({POLICY: (self.here / POLICY).read_text() + "# changed\n"})
        self.git("checkout", "--quiet", "main")
        if kind == "merge":
            self.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
        else:
            self.git("merge", "--quiet", "--squash", "topic")
            self.git("commit", "--quiet", "-m", "Squash")
        return head, self.git("rev-parse", "HEAD")

    def pull(self, head: str, merge: str, **fields: Any) -> None:
        """Record pull request 7 and the push of its head at minute 10."""
        row = {"number": 7, "head_sha": head, "head_ref": "topic", "state": "closed", "merge_commit_sha": merge}
        # GitHub lists the pull request for the commit that it became.
        self.api.seed(pull_requests=[{**row, "head_sha": merge}])
        self.api.seed(pull_requests=[{**row, **fields}])
        push = {"ref": "refs/heads/topic", "before": self.deployed, "after": head, "timestamp": time(10)}
        self.repository["activity"].append(push)

    @property
    def repository(self) -> dict[str, Any]:
        return self.api.state.repositories["acme/shop"]

    def event(self, kind: str, login: str, minute: int, label: str = LABEL) -> None:
        """Record an event of pull request 7."""
        row = {"issue": 7, "event": kind, "label": label, "login": login, "created_at": time(minute)}
        self.repository["events"].append(row)

    def gate(self, commit: str, *, honest: bool = True) -> tuple[str, str]:
        """Judge a commit whose evidence says that the policy differs, if it is honest; return outcome and code."""
        self.patch.setenv("GITHUB_SHA", commit)
        self.repository["roles"] = {"maria": "maintain", "wim": "write"}
        self.api.seed(deployments=[{"sha": self.deployed, "payload": PAYLOAD, "statuses": [{"state": "success"}]}])
        evidence = self.measured("pass", head_sha=commit, base_sha=self.deployed)
        finding = Finding(
            id="inputs-changed", metric="inputs", outcome=Outcome.INCONCLUSIVE, reason="R.", docs="a#b", dataset=POLICY
        )
        findings = [*evidence.findings, finding] if honest else evidence.findings
        outcome, code, reason = conclude(findings)
        evidence = msgspec.structs.replace(
            evidence,
            findings=findings,
            outcome=outcome,
            reason_code=code,
            reason=reason,
        )
        write_evidence(self.here / "evidence", evidence)
        main(["gate", "--token", "t"])
        verdict = read_verdict(self.here / "verdict.json")
        return verdict.outcome.value, verdict.reason_code


PAYLOAD = {"ghmlops": {"run_id": "1", "service": "shop"}}


@pytest.fixture
def branch(here: Path, api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch) -> Branch:
    """The branch `main`."""
    return Branch(here, api, measured, monkeypatch)


@pytest.mark.parametrize("kind", ["merge", "squash"])
def test_the_label_of_the_merged_pull_request_counts(branch: Branch, kind: str) -> None:
    """A maintainer set it after the head was pushed, and that head was merged: a warning, and no override is needed."""
    head, merge = branch.merged(kind)
    branch.pull(head, merge)
    branch.event("labeled", "maria", 20)
    assert branch.gate(merge) == ("warn", "inputs-changed")


EVENTS: list[tuple[str, list[tuple[str, str, int, str]]]] = [
    ("nobody set it", []),
    ("before the push", [("labeled", "maria", 5, LABEL)]),
    ("by somebody who may only write", [("labeled", "wim", 20, LABEL)]),
    ("removed again", [("labeled", "maria", 20, LABEL), ("unlabeled", "wim", 21, LABEL)]),
    ("the head was replaced", [("labeled", "maria", 20, LABEL), ("head_ref_force_pushed", "wim", 21, "")]),
    ("another label", [("labeled", "maria", 20, "reviewed")]),
]


@pytest.mark.parametrize("events", [row[1] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_a_label_that_says_nothing(branch: Branch, events: list[tuple[str, str, int, str]]) -> None:
    """The verdict stays inconclusive."""
    head, merge = branch.merged("squash")
    branch.pull(head, merge)
    for kind, login, minute, label in events:
        branch.event(kind, login, minute, label)
    assert branch.gate(merge) == ("inconclusive", "inputs-changed")


def test_a_head_that_is_not_what_was_merged(branch: Branch) -> None:
    """The merge commit has another parent than the head that GitHub records."""
    _, merge = branch.merged("merge")
    branch.pull("e" * 40, merge)
    branch.event("labeled", "maria", 20)
    assert branch.gate(merge)[0] == "inconclusive"


def test_a_direct_push_on_top_is_not_reviewed(branch: Branch) -> None:
    """The pull request was reviewed; a later commit that changes the policy again was not."""
    head, merge = branch.merged("squash")
    branch.pull(head, merge)
    branch.event("labeled", "maria", 20)
    last = branch.commit({POLICY: (branch.here / POLICY).read_text() + "# again\n"})
    assert branch.gate(last)[0] == "inconclusive"


def test_a_later_commit_that_changes_no_input_needs_no_review(branch: Branch) -> None:
    """Only commits that change the input are looked at."""
    head, merge = branch.merged("squash")
    branch.pull(head, merge)
    branch.event("labeled", "maria", 20)
    last = branch.commit({"app.py": "2"})
    assert branch.gate(last)[0] == "warn"


def test_an_open_pull_request_reviews_nothing(branch: Branch) -> None:
    """A pull request that contains the commit and is not merged."""
    head, merge = branch.merged("squash")
    branch.pull(head, merge, state="open", merge_commit_sha=None)
    branch.event("labeled", "maria", 20)
    assert branch.gate(merge)[0] == "inconclusive"


def test_unreadable_pull_requests_review_nothing(branch: Branch) -> None:
    """A missing permission is a note, and the verdict stays what it is."""
    head, merge = branch.merged("squash")
    branch.pull(head, merge)
    branch.event("labeled", "maria", 20)
    branch.api.seed(faults=[{"kind": "status", "status": 403, "path": "/commits/.*/pulls", "times": 9}])
    assert branch.gate(merge)[0] == "inconclusive"


@pytest.mark.parametrize(("change", "outcome"), [({POLICY: "more"}, "inconclusive"), ({"app.py": "2"}, "pass")])
def test_the_gate_does_not_believe_that_nothing_changed(branch: Branch, change: dict[str, str], outcome: str) -> None:
    """The evidence does not mention the policy; the history of the branch does."""
    files = {name: f"{(branch.here / name).read_text()}# {text}\n" for name, text in change.items()}
    assert branch.gate(branch.commit(files), honest=False)[0] == outcome


def test_a_review_of_one_input_covers_no_other(branch: Branch) -> None:
    """Evidence names the reviewed policy alone; a direct push changed the payloads, too."""
    policy = (branch.here / POLICY).read_text() + "latency: {payloads: data.jsonl, slo: {p99: 100ms}, "
    policy += "request: {method: POST, path: /}}\n"
    branch.deployed = branch.commit({POLICY: policy})
    head, merge = branch.merged("squash")
    branch.pull(head, merge)
    branch.event("labeled", "maria", 20)
    last = branch.commit({"data.jsonl": "{}\n"})
    assert branch.gate(merge)[0] == "warn"
    assert branch.gate(last)[0] == "inconclusive"
