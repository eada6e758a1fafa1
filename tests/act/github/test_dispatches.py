"""Starting the workflow that deploys: once for each commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.dispatches import dispatch_workflow
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

SHA = "b" * 40


def test_a_commit_is_deployed_once(api: Api, client: Client) -> None:
    """A second call and a lost response start nothing again; a run that the push started counts."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/dispatches$"}])
    assert dispatch_workflow(client, workflow="deploy.yml", branch="main", sha=SHA)
    assert not dispatch_workflow(client, workflow="deploy.yml", branch="main", sha=SHA)
    assert [(r["path"], r["head_sha"]) for r in api.state.runs] == [(".github/workflows/deploy.yml", SHA)]
    api.seed(runs=[{"id": 7, "head_sha": SHA, "event": "push", "path": ".github/workflows/site.yml"}])
    assert not dispatch_workflow(client, workflow="site.yml", branch="main", sha=SHA)


def test_what_cannot_be_started(api: Api, client: Client, client_for: Callable[[str], Client]) -> None:
    """A workflow without the trigger, and a token without the permission, which the error names."""
    api.state.repositories["acme/shop"]["refs"] = {"heads/main": SHA}
    with pytest.raises(GitHubError):
        dispatch_workflow(client, workflow="no-trigger.yml", branch="main", sha=SHA)
    api.seed(tokens={"weak": {"permissions": {"contents": "write"}}})
    with pytest.raises(PermissionMissing, match="`actions: write`"):
        dispatch_workflow(client_for("weak"), workflow="deploy.yml", branch="main", sha=SHA)
    assert api.state.runs == []
