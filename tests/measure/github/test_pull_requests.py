"""Which pull request a commit belongs to, whether a branch takes a push, and the pull request that reverts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.act.github.pull_requests import open_revert_pull_request
from ghmlops.measure.github.pull_requests import protected, pull_request, pull_request_for
from ghmlops.core.errors import GitHubError, PermissionMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD, NEWER = "a" * 40, "c" * 40


def seed(api: Api, number: int, **about: Any) -> None:
    """Add a pull request."""
    api.seed(pull_requests=[{"number": number, "head_sha": HEAD, **about}])


def test_of_a_fork_by_owner_and_branch(api: Api, client: Client) -> None:
    """A fork's pull request, which GitHub does not list under its commit, is found by the head's owner and branch."""
    seed(api, 9, head_repository="mallory/shop", head_ref="topic")
    by_commit = pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop")
    found = pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop", head_branch="topic")
    assert by_commit is None
    assert found is not None
    assert (found.number, found.head_sha, found.head_repository, found.state) == (9, HEAD, "mallory/shop", "open")
    assert found.stale(HEAD) is False


def test_by_commit_in_the_same_repository(client: Client) -> None:
    """Without a branch the commit leads to the pull request, in the repository itself."""
    found = pull_request_for(client, head_sha=HEAD)
    assert found is not None
    assert found.number == 7


def test_another_repository_does_not_match(api: Api, client: Client) -> None:
    """The same owner and branch in another repository of that owner is not the one that ran."""
    seed(api, 9, head_repository="mallory/other", head_ref="topic")
    assert pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop", head_branch="topic") is None


@pytest.mark.parametrize("branch", ["change-7", ""])
def test_head_moved_on_is_stale(api: Api, client: Client, branch: str) -> None:
    """An event for a commit that is no longer the head is recognised, by branch and by commit."""
    seed(api, 7, head_sha=NEWER)
    found = pull_request_for(client, head_sha=HEAD, head_branch=branch)
    assert found is not None
    assert (found.number, found.head_sha, found.stale(HEAD)) == (7, NEWER, True)


def test_the_exact_head_then_the_open_one_then_the_oldest(api: Api, client: Client) -> None:
    """Among several pull requests of one branch: exact head before moved, open before closed, then the first."""
    for number, about in {
        3: {"head_sha": NEWER},
        4: {"state": "closed"},
        5: {"base_ref": "release"},
        6: {},
    }.items():
        seed(api, number, head_ref="topic", **about)
    found = pull_request_for(client, head_sha=HEAD, head_branch="topic")
    assert found is not None
    assert found.number == 5


def test_none_at_all(client: Client) -> None:
    """A commit without a pull request gives none, not an error."""
    assert pull_request_for(client, head_sha="d" * 40) is None


def test_by_number(api: Api, client: Client) -> None:
    """A number gives its head, so that a caller can see that the run is for another commit."""
    seed(api, 7, head_sha=NEWER)
    assert pull_request(client, 7).stale(HEAD) is True
    with pytest.raises(GitHubError) as caught:
        pull_request(client, 99)
    assert caught.value.reason_code == "not-found"


def test_private_repository_without_permission(api: Api, client_for: Callable[[str], Client]) -> None:
    """In a private repository reading pull requests needs a permission too, and it is named."""
    api.seed(repositories={"acme/shop": {"private": True}}, tokens={"weak": {"permissions": {"contents": "read"}}})
    with pytest.raises(PermissionMissing, match="`pull-requests: read`"):
        pull_request(client_for("weak"), 7)


RULES = [
    ([], ()),
    (["deletion", "non_fast_forward", "required_linear_history"], ()),
    (["deletion", "pull_request", "required_status_checks"], ("pull_request", "required_status_checks")),
]


@pytest.mark.parametrize("branch", ["main", "release/1.x"])
@pytest.mark.parametrize(("kinds", "expected"), RULES)
def test_rules_that_refuse_a_push(
    api: Api, client: Client, kinds: list[str], expected: tuple[str, ...], branch: str
) -> None:
    """Only rules that refuse an ordinary push of one commit count as protection."""
    api.seed(repositories={"acme/shop": {"rules": {branch: kinds}}})
    assert protected(client, branch) == expected


def test_server_without_rules(api: Api, client: Client) -> None:
    """A server that does not know the address is not an obstacle; the push tells."""
    api.seed(faults=[{"kind": "status", "status": 404, "path": "/rules/", "message": "Not Found"}])
    assert protected(client, "main") == ()


def revert(client: Client) -> int:
    """Open the revert pull request."""
    return open_revert_pull_request(client, head="ghmlops/revert-aaa", base="main", title="Revert", body="why")


def test_opened_once(api: Api, client: Client) -> None:
    """A second call returns the pull request that is open."""
    assert revert(client) == revert(client) == 8
    opened = [(p["number"], p["head_ref"], p["base_ref"], p["title"], p["body"]) for p in api.state.pull_requests[1:]]
    assert opened == [(8, "ghmlops/revert-aaa", "main", "Revert", "why")]


def test_opened_once_although_the_answer_was_lost(api: Api, client: Client) -> None:
    """The pull request was opened but the connection broke: it is found, not opened again."""
    api.seed(faults=[{"kind": "lost-answer", "method": "POST", "path": "/pulls$"}])
    assert revert(client) == 8
    assert len(api.state.pull_requests) == 2


def test_not_opened_from_a_branch_that_is_not_there(api: Api, client: Client) -> None:
    """What GitHub finds wrong is passed on in its words."""
    api.seed(repositories={"acme/shop": {"refs": {"heads/main": HEAD}}})
    with pytest.raises(GitHubError, match=r"did not accept it while opening .*head: invalid \(422\)"):
        revert(client)


def test_not_opened_with_a_weak_token(api: Api, client_for: Callable[[str], Client]) -> None:
    """The permission is named."""
    api.seed(tokens={"weak": {"permissions": {"contents": "write"}}})
    with pytest.raises(PermissionMissing, match="`pull-requests: write`"):
        revert(client_for("weak"))


def test_not_opened_where_the_repository_forbids_it(api: Api, client: Client) -> None:
    """The repository's own switch is told apart from the token's permission."""
    said = "GitHub Actions is not permitted to create or approve pull requests."
    api.seed(faults=[{"kind": "status", "status": 403, "message": said, "method": "POST", "path": "/pulls$"}])
    with pytest.raises(PermissionMissing, match="the repository forbids workflows") as caught:
        revert(client)
    assert "Settings, Actions, General" in caught.value.hint


def test_other_refusals_do_not_blame_the_token(api: Api, client: Client) -> None:
    """An archived repository is not called a missing permission."""
    said = "Repository was archived so is read-only."
    api.seed(faults=[{"kind": "status", "status": 403, "message": said, "method": "POST", "path": "/pulls$"}])
    with pytest.raises(GitHubError, match=r"forbade it while opening .*archived") as caught:
        revert(client)
    assert not isinstance(caught.value, PermissionMissing)
