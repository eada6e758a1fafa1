"""An override by a comment: nothing but what GitHub states about comment, run and head decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.commands.gate.commented import commented_override
from ghmlops.commands.gate.inputs import Inputs
from ghmlops.core.errors import GhmlopsError, GitHubError, InputError
from ghmlops.core.steps.step import REASON_LIMIT
from github_api.fixtures import client, client_for, notes, sleeps

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

__all__ = ["client", "client_for", "notes", "sleeps"]
COMMIT, OTHER = "a" * 40, "b" * 40
OVERRIDE = "/ghmlops override release tonight"
MEASURED, COMMENTED, LATER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"
RUN = {
    "id": 41,
    "path": ".github/workflows/ci.yml",
    "event": "pull_request",
    "head_sha": COMMIT,
    "head_branch": "change-7",
    "conclusion": "failure",
    "created_at": MEASURED,
}


@pytest.fixture
def override(api: Api, client: Client) -> Callable[..., tuple[str, str]]:
    """Return a function that seeds comment, pull request and run, and returns person and reason of the override."""

    def call(
        body: str = OVERRIDE,
        *,
        comment: dict[str, Any] | None = None,
        pull: dict[str, Any] | None = None,
        runs: tuple[dict[str, Any], ...] = ({},),
        run_id: str = "41",
        commit: str = COMMIT,
    ) -> tuple[str, str]:
        api.seed(
            pull_requests=[{"number": 7, "head_sha": COMMIT, "head_ref": "change-7", **(pull or {})}],
            runs=[{**RUN, **run} for run in runs],
            comments=[{"issue": 7, "body": body, "login": "ada"}],
        )
        row = api.state.comments[-1]
        row.update({"created_at": COMMENTED, "updated_at": COMMENTED, **(comment or {})})
        return commented_override(Inputs(override_comment=row["id"], run_id=run_id), client, commit)

    return call


def test_author_and_text_are_those_of_the_comment(override: Callable[..., tuple[str, str]]) -> None:
    """The person is who wrote the comment, and the reason what is behind the command."""
    assert override() == ("ada", "release tonight")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/ghmlops",
        "/ghmlops override",
        "/ghmlops override \u200b ---",
        "/ghmlops rerun",
        "/ghmlops overrides all",
        " /ghmlops override not in column one",
        "> /ghmlops override a quotation",
        "I would not write\n/ghmlops override here",
        "`/ghmlops override as code`",
        "/ghmlops override one\n/ghmlops override another",
        "/ghmlops override one\r\n/ghmlops rerun",
    ],
)
def test_other_texts_override_nothing(override: Callable[..., tuple[str, str]], body: str) -> None:
    """Quotations, other commands, several commands and commands without a reason are no override."""
    with pytest.raises(InputError):
        override(body)


@pytest.mark.parametrize(
    "reason",
    ["x" * 70_000, "\x1b[31mred\x1b[0m", "a\u2028b\x0bc", "::set-output name=outcome::pass", "a\r\nignored: true"],
)
def test_a_hostile_reason_is_one_short_line(override: Callable[..., tuple[str, str]], reason: str) -> None:
    """Length, separators of lines and further lines of the comment do not reach the record."""
    person, text = override(f"/ghmlops override {reason}")
    assert person == "ada"
    assert 0 < len(text) <= REASON_LIMIT
    assert len(text.splitlines()) == 1
    assert "ignored" not in text


@pytest.mark.parametrize(
    "fault",
    [
        {"comment": {"updated_at": LATER}},
        {"comment": {"type": "Bot"}},
        {"pull": {"state": "closed"}},
        {"pull": {"head_sha": OTHER}},
        {"commit": OTHER},
        {"runs": ({"head_sha": OTHER},)},
        {"runs": ({"created_at": LATER},)},
        {"runs": ({"created_at": COMMENTED},)},
        {"runs": ({}, {"id": 42, "created_at": LATER})},
        {"runs": ({"event": "push"},)},
        {"runs": ({"event": "workflow_dispatch"},)},
        {"runs": ({"head_branch": "change-8"},)},
        {"runs": ({"head_repository": "mallory/shop"},)},
        {"runs": ({}, {"id": 43, "head_repository": "mallory/shop"}), "run_id": "43"},
        {"runs": ({}, {"id": 44, "event": "push"}), "run_id": "44"},
        {"runs": ({"path": ""},)},
        {"run_id": ""},
        {"run_id": "../41"},
    ],
)
def test_what_github_does_not_confirm_overrides_nothing(
    override: Callable[..., tuple[str, str]], fault: dict[str, Any]
) -> None:
    """Edited comments, bots, closed pull requests, other and newer heads, runs of other commits, events and forks."""
    with pytest.raises(InputError):
        override(**fault)


def test_a_force_push_after_the_comment(api: Api, override: Callable[..., tuple[str, str]]) -> None:
    """The head may be a commit that was measured before the comment, and not the one that its author saw."""
    pushed = {"issue": 7, "login": "mallory", "event": "head_ref_force_pushed", "created_at": LATER}
    api.state.repositories["acme/shop"]["events"] = [pushed]
    with pytest.raises(InputError):
        override()


def test_missing_comments_and_runs(api: Api, client: Client, override: Callable[..., tuple[str, str]]) -> None:
    """An id that belongs to nothing, or to an issue without a pull request, is an error and no override."""
    with pytest.raises(InputError):
        commented_override(Inputs(run_id="41"), client, COMMIT)
    with pytest.raises(GitHubError):
        commented_override(Inputs(override_comment=999_999, run_id="41"), client, COMMIT)
    with pytest.raises(GitHubError):
        override(run_id="4711")
    api.seed(comments=[{"issue": 99, "body": OVERRIDE}])
    with pytest.raises(GhmlopsError):
        commented_override(Inputs(override_comment=api.state.comments[-1]["id"], run_id="41"), client, COMMIT)
