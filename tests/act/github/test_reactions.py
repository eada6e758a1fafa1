"""Reactions to comments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.reactions import react
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api


def test_a_reaction_exists_once(api: Api, client: Client) -> None:
    """A repetition and a lost response add nothing."""
    api.seed(comments=[{"issue": 7, "body": "x"}], faults=[{"kind": "lost-answer", "path": "/reactions$"}])
    comment_id = api.state.comments[0]["id"]
    for content in ("eyes", "eyes", "+1"):
        react(client, comment_id=comment_id, content=content)
    assert [r["content"] for r in api.state.reactions] == ["eyes", "+1"]


def test_what_cannot_be_reacted_to(api: Api, client: Client, client_for: Callable[[str], Client]) -> None:
    """A deleted comment is an error, and the missing permission is named."""
    api.seed(comments=[{"issue": 7, "body": "x"}], tokens={"weak": {"permissions": {"contents": "write"}}})
    with pytest.raises(GitHubError) as missing:
        react(client, comment_id=1, content="eyes")
    assert missing.value.reason_code == "not-found"
    with pytest.raises(PermissionMissing, match="`pull-requests: write`"):
        react(client_for("weak"), comment_id=api.state.comments[0]["id"], content="eyes")
