"""Reading a comment, and what decides about its command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import GitHubError
from ghmlops.measure.github.commented import read_comment, read_situation

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD = "a" * 40
RUN: dict[str, Any] = {"head_sha": HEAD, "head_branch": "change-7", "conclusion": "failure"}


def test_a_comment(api: Api, client: Client) -> None:
    """Author, kind and text are GitHub's; a later change of the text is an edit."""
    api.seed(
        comments=[{"issue": 7, "body": "/ghmlops rerun", "login": "ada"}, {"issue": 7, "body": "x", "type": "Bot"}]
    )
    first, second = (read_comment(client, row["id"]) for row in api.state.comments)
    assert (first.number, first.body, first.login, first.is_bot, first.edited) == (
        7,
        "/ghmlops rerun",
        "ada",
        False,
        False,
    )
    assert second.is_bot
    api.state.comments[0]["updated_at"] = "2099-01-01T00:00:00Z"
    assert read_comment(client, first.id).edited


def test_a_situation(api: Api, client: Client) -> None:
    """Only runs of this workflow, event, branch and repository for the head count; force pushes have GitHub's time."""
    ci = ".github/workflows/ci.yml"
    others: list[dict[str, Any]] = [
        {"path": ".github/workflows/other.yml"},
        {"event": "push"},
        {"head_sha": "b" * 40},
        {"head_branch": "change-8"},
        {"head_repository": "mallory/shop"},
    ]
    runs = [{"id": number, "path": ci, **RUN, **fields} for number, fields in enumerate([{}, *others], start=1)]
    events = [
        {"issue": 7, "login": "ada", "event": "head_ref_force_pushed", "created_at": "2026-01-01T00:00:00Z"},
        {"issue": 7, "login": "ada", "event": "labeled", "label": "x", "created_at": "2026-01-02T00:00:00Z"},
        {"issue": 8, "login": "ada", "event": "head_ref_force_pushed", "created_at": "2026-01-03T00:00:00Z"},
    ]
    api.state.repositories["acme/shop"]["events"] = events
    api.seed(comments=[{"issue": 7, "body": "/ghmlops rerun"}], runs=runs)
    situation = read_situation(client, read_comment(client, api.state.comments[0]["id"]), "ci.yml")
    assert [run.id for run in situation.runs] == [1]
    assert [time.day for time in situation.forced] == [1]
    assert (situation.head_sha, situation.is_open, situation.edited) == (HEAD, True, False)


def test_a_deleted_fork_has_no_run(api: Api, client: Client) -> None:
    """Without a head repository nothing can be matched, so that no command applies."""
    api.seed(pull_requests=[{"number": 8, "head_sha": HEAD, "head_repository": "gone/shop", "head_ref": "change-7"}])
    api.seed(comments=[{"issue": 8, "body": "/ghmlops rerun"}], runs=[{"id": 1, **RUN}])
    assert read_situation(client, read_comment(client, api.state.comments[0]["id"]), "ci.yml").newest is None


def test_a_comment_on_an_issue(api: Api, client: Client) -> None:
    """There is no such pull request."""
    api.seed(comments=[{"issue": 99, "body": "/ghmlops rerun"}])
    with pytest.raises(GitHubError) as missing:
        read_situation(client, read_comment(client, api.state.comments[0]["id"]), "ci.yml")
    assert missing.value.reason_code == "not-found"
