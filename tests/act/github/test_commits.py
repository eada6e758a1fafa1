"""Commits of a revert through the API: the planned trees or nothing, and the input of the mutation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ghmlops.act.github.commits import mutation_input, publish_commits
from ghmlops.core.errors import NeedsPerson, PermissionMissing
from ghmlops.core.revert.api_commit import ApiRevert
from ghmlops.core.revert.push_result import PushResult
from github_api import objects
from github_api.planned_revert import COMMITS, FILES, TIP

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

ONE = ApiRevert(commits=COMMITS[:1], by_mutation=True)
TWO = ApiRevert(commits=COMMITS, by_mutation=False)


@pytest.fixture(autouse=True)
def _files(api: Api) -> None:
    api.seed(repositories={"acme/shop": {"files": FILES}})


def tip(api: Api) -> str:
    """Return the tip of main."""
    return api.state.refs("acme/shop")["heads/main"]


@pytest.mark.parametrize("revert", [ONE, TWO])
def test_a_tree_that_differs_from_the_plan(api: Api, client: Client, revert: ApiRevert) -> None:
    """It is named; created as objects, it is noticed before the branch moves."""
    last = replace(revert.commits[-1], tree="f" * 40)
    with pytest.raises(NeedsPerson) as raised:
        publish_commits(client, "main", TIP, replace(revert, commits=(*revert.commits[:-1], last)))
    assert raised.value.reason_code == "revert-differs"
    assert (tip(api) == TIP) is not revert.by_mutation


@pytest.mark.parametrize("revert", [ONE, TWO])
def test_another_tip(api: Api, client: Client, revert: ApiRevert) -> None:
    """The branch stays as it is: it moved, or goes on from an earlier commit than planned."""
    with api.lock:
        commit = objects.Commit("", COMMITS[0].base_tree, (TIP,), "Other")
        other = objects.write_commit(api.state, "acme/shop", commit, "maria", number=1)
        objects.set_ref(api.state, "acme/shop", "heads/main", other)
    assert publish_commits(client, "main", TIP, revert).result is PushResult.MOVED
    assert tip(api) == other


@pytest.mark.parametrize("revert", [ONE, TWO])
@pytest.mark.parametrize("rule", ["pull_request", "required_status_checks"])
def test_a_rule_of_the_branch(api: Api, client: Client, revert: ApiRevert, rule: str) -> None:
    """GitHub's message is returned, for the pull request that follows."""
    api.state.repositories["acme/shop"]["rules"] = {"main": [rule]}
    published = publish_commits(client, "main", TIP, revert)
    assert (published.result, published.sha, tip(api)) == (PushResult.PROTECTED, "", TIP)
    assert "rule violations" in published.message


@pytest.mark.parametrize("revert", [ONE, TWO])
def test_a_lost_response_below_a_later_push(api: Api, client: Client, revert: ApiRevert) -> None:
    """The commit is found below it, and is not created again."""
    path = "graphql" if revert.by_mutation else "git/refs/heads/main"
    api.seed(faults=[{"kind": "lost-answer", "path": f"{path}$"}])
    created = publish_commits(client, "main", TIP, revert)
    assert (created.result, created.sha) == (PushResult.DONE, tip(api))
    assert len(objects.branch_subjects(api.state)) == len(revert.commits) + 1


@pytest.mark.parametrize("revert", [ONE, TWO])
def test_a_token_that_may_not_write(api: Api, client_for: Callable[[str], Client], revert: ApiRevert) -> None:
    """The permission is named, and nothing is written."""
    api.seed(tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="`contents: write`"):
        publish_commits(client_for("weak"), "main", TIP, revert)
    assert tip(api) == TIP


def test_the_input_of_the_mutation() -> None:
    """Subject and body of the message are apart, contents are Base64, and the expected tip is named."""
    fields = mutation_input("acme/shop", "main", TIP, COMMITS[0])
    assert fields == {
        "branch": {"repositoryNameWithOwner": "acme/shop", "branchName": "main"},
        "expectedHeadOid": TIP,
        "message": {"headline": 'Revert "a.txt"', "body": f"This reverts it.\n\nGhmlops-Reverts: {'a' * 40}"},
        "fileChanges": {"additions": [{"path": "a.txt", "contents": "Z29vZAo="}], "deletions": []},
    }
