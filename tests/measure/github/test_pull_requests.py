"""The pull request of a commit, and the rules of a branch that prevent a push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.measure.github.pull_requests import UNREADABLE_RULES, blocking_rules, pull_request, pull_request_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD, NEWER = "a" * 40, "c" * 40


def seed(api: Api, number: int, **fields: Any) -> None:
    """Add a pull request."""
    api.seed(pull_requests=[{"number": number, "head_sha": HEAD, **fields}])


def test_pull_request_of_a_fork_is_found_by_owner_and_branch(api: Api, client: Client) -> None:
    """GitHub does not list the pull request of a fork for its commit; owner and branch of the head find it."""
    seed(api, 9, head_repository="mallory/shop", head_ref="topic")
    by_commit = pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop")
    result = pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop", head_branch="topic")
    assert by_commit is None
    assert result is not None
    assert (result.number, result.head_sha, result.head_repository, result.state) == (9, HEAD, "mallory/shop", "open")
    assert result.stale(HEAD) is False


def test_pull_request_of_the_same_repository_is_found_by_commit(client: Client) -> None:
    """Without a branch, the commit finds a pull request of the repository itself."""
    result = pull_request_for(client, head_sha=HEAD)
    assert result is not None
    assert result.number == 7


def test_another_repository_does_not_match(api: Api, client: Client) -> None:
    """A pull request with the same owner and branch but another head repository does not match."""
    seed(api, 9, head_repository="mallory/other", head_ref="topic")
    assert pull_request_for(client, head_sha=HEAD, head_repository="mallory/shop", head_branch="topic") is None


@pytest.mark.parametrize("branch", ["change-7", ""])
def test_outdated_head_is_stale(api: Api, client: Client, branch: str) -> None:
    """An event for a commit that is no longer the head is detected, by branch and by commit."""
    seed(api, 7, head_sha=NEWER)
    result = pull_request_for(client, head_sha=HEAD, head_branch=branch)
    assert result is not None
    assert (result.number, result.head_sha, result.stale(HEAD)) == (7, NEWER, True)


def test_order_of_preference(api: Api, client: Client) -> None:
    """Preferred are pull requests whose head is the commit, then open ones, then the oldest."""
    for number, fields in {
        3: {"head_sha": NEWER},
        4: {"state": "closed"},
        5: {"base_ref": "release"},
        6: {},
    }.items():
        seed(api, number, head_ref="topic", **fields)
    result = pull_request_for(client, head_sha=HEAD, head_branch="topic")
    assert result is not None
    assert result.number == 5


def test_commit_without_a_pull_request(client: Client) -> None:
    """A commit without a pull request is not an error."""
    assert pull_request_for(client, head_sha="d" * 40) is None


def test_pull_request_is_read_by_number(api: Api, client: Client) -> None:
    """Reading by number returns the head; a missing number is an error."""
    seed(api, 7, head_sha=NEWER)
    assert pull_request(client, 7).stale(HEAD) is True
    with pytest.raises(GitHubError) as caught:
        pull_request(client, 99)
    assert caught.value.reason_code == "not-found"


def test_missing_permission_is_named(api: Api, client_for: Callable[[str], Client]) -> None:
    """In a private repository, reading pull requests requires a permission, which the error names."""
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
def test_blocking_rules(api: Api, client: Client, kinds: list[str], expected: tuple[str, ...], branch: str) -> None:
    """Only rules under which GitHub rejects an ordinary push of one commit are returned."""
    api.seed(repositories={"acme/shop": {"rules": {branch: kinds}}})
    assert blocking_rules(client, branch) == expected


def test_rules_are_read_on_all_pages(api: Api, client: Client) -> None:
    """A rule on the second page blocks a push, too; its page is retried by itself."""
    kinds = ["deletion"] * 130 + ["pull_request"]
    api.seed(
        repositories={"acme/shop": {"rules": {"main": kinds}}},
        faults=[{"kind": "status", "status": 502, "path": "/rules/", "skip": 1}],
    )
    assert blocking_rules(client, "main") == ("pull_request",)
    assert [r["status"] for r in api.state.requests] == [200, 502, 200]


@pytest.mark.parametrize("status", [401, 403, 404, 422, 500])
def test_unreadable_rules_block_a_push(api: Api, client: Client, notes: list[str], status: int) -> None:
    """Rules that cannot be read, for whatever reason, are no permission to push; the reason is noted."""
    api.seed(faults=[{"kind": "status", "status": status, "path": "/rules/", "message": "no", "times": 9}])
    assert blocking_rules(client, "main") == (UNREADABLE_RULES,)
    assert f"({status})" in notes[-1]


def test_unreadable_second_page_blocks_a_push(api: Api, client: Client) -> None:
    """A part of the rules is not enough."""
    api.seed(
        repositories={"acme/shop": {"rules": {"main": ["deletion"] * 130}}},
        faults=[{"kind": "refused", "path": "/rules/", "skip": 1, "times": 9}],
    )
    assert blocking_rules(client, "main") == (UNREADABLE_RULES,)
