"""The comment about a decision that concerns people, and the bytes of a verdict."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from ghmlops.act.evidence import verdict_digest
from ghmlops.cli import main
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

COMMIT = "a" * 40
FLAGS = ["gate", "--token", "t"]
MERGED = {"number": 5, "head_sha": COMMIT, "state": "closed", "merge_commit_sha": COMMIT}


def test_a_hold_is_announced_once_and_edited_when_it_ends(
    here: Path, api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One comment on the merged pull request: on hold, on hold again, overridden by a person; also in the summary."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    api.seed(pull_requests=[MERGED])
    measured("inconclusive")
    assert main(FLAGS) == 1
    assert main(FLAGS) == 1
    (comment,) = api.state.comments
    assert (comment["issue"], comment["edits"]) == (5, 0)
    assert COMMIT in comment["body"]
    assert "`override-reason`" in comment["body"]
    assert "`preview-ready`" in comment["body"]
    assert "on hold" in (here / "summary.md").read_text()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "workflow_dispatch")
    api.seed(runs=[{"id": 42, "head_sha": COMMIT, "event": "workflow_dispatch", "triggering_actor": "ada"}])
    api.state.repositories["acme/shop"]["roles"] = {"ada": "maintain"}
    assert main([*FLAGS, "--override-reason", "checked by hand"]) == 0
    (comment,) = api.state.comments
    assert "checked by hand (by ada)" in comment["body"]


def test_a_hold_that_new_evidence_ends(api: Api, measured: Callable[..., Evidence]) -> None:
    """The comment does not go on saying that somebody must decide; without a hold there is none."""
    api.seed(pull_requests=[MERGED])
    measured()
    assert main(FLAGS) == 0
    assert api.state.comments == []
    api.state.deployments.clear()
    measured("inconclusive")
    assert main(FLAGS) == 1
    measured()
    assert main(FLAGS) == 0
    (comment,) = api.state.comments
    assert "on hold" not in comment["body"]


def test_a_comment_that_github_refuses_is_a_note(
    api: Api, measured: Callable[..., Evidence], capsys: pytest.CaptureFixture[str]
) -> None:
    """The hold is recorded all the same."""
    api.seed(pull_requests=[MERGED])
    api.seed(tokens={"weak": {"permissions": dict.fromkeys(("contents", "deployments", "statuses"), "write")}})
    measured("inconclusive")
    assert main(["gate", "--token", "weak"]) == 1
    assert "pull-requests: write" in capsys.readouterr().err
    assert [s["state"] for s in api.state.deployment_statuses] == ["pending"]


def test_the_same_evidence_gives_the_same_bytes(here: Path, measured: Callable[..., Evidence]) -> None:
    """Apart from the time; other evidence gives another digest, which the record of the history names."""
    texts: list[dict[str, object]] = []
    digests: list[str] = []
    for outcome in ("pass", "pass", "warn"):
        if len(texts) != 1:
            measured(outcome, age=timedelta(minutes=5 + len(texts)))
        assert main(["gate"]) == 0
        verdict = read_verdict(here / "verdict.json")
        texts.append({**json.loads((here / "verdict.json").read_bytes()), "created": ""})
        digests.append(verdict_digest(verdict))
    assert texts[0] == texts[1]
    assert digests[0] == digests[1] != digests[2]
    assert (here / "outputs").read_text().count(digests[0]) == 2
