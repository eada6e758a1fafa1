"""Reads pull requests, and the rules of a branch that prevent a push."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ghmlops.clients.github.client import Client, require, send
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github.PullRequest import PullRequest as ApiPullRequest

READ = "pull-requests: read"
BLOCKING_RULES = (
    "pull_request",
    "required_status_checks",
    "merge_queue",
    "required_deployments",
    "required_signatures",
    "update",
    "workflows",
    "code_scanning",
    "license_compliance_scanning",
)
"""Rules of a branch under which GitHub rejects an ordinary push of one new commit."""


class PullRequest(NamedTuple):
    """A pull request as GitHub describes it; no value comes from an artifact or an event."""

    number: int
    head_sha: str
    head_repository: str
    """`owner/name`; empty if the fork was deleted."""
    state: str
    """`open` or `closed`."""
    url: str

    def stale(self, head_sha: str) -> bool:
        """Return whether the head is another commit than `head_sha`."""
        return self.head_sha != head_sha


def pull_request(client: Client, number: int) -> PullRequest:
    """Return pull request `number`.

    Raises:
        GitHubError: There is no such pull request (reason code `not-found`), or GitHub rejected the request.
    """
    return send(
        client,
        lambda: _convert(client.repo.get_pull(number)),
        activity=f"reading pull request #{number}",
        permission=READ,
    )


def pull_request_for(
    client: Client, *, head_sha: str, head_repository: str = "", head_branch: str = ""
) -> PullRequest | None:
    """Return the pull request of a commit, for events that do not name one (`workflow_run`, `push`).

    For forks, the list in the event is empty, and so is GitHub's list of the pull requests of a commit. The pull
    request is therefore looked up by owner and branch of its head if both are known, and by the commit otherwise. It
    must match the head repository. Preferred are pull requests whose head is the commit, then open ones, then the
    oldest. A pull request whose head is another commit by now is returned too: see `PullRequest.stale`.

    Args:
        client: The connection.
        head_sha: Full SHA of the head commit.
        head_repository: `owner/name` of the head; empty stands for the client's repository.
        head_branch: Branch of the head, if the event contains it.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    origin = head_repository or client.repository
    owner = origin.partition("/")[0]

    def list_candidates() -> list[PullRequest]:
        if head_branch:
            return [_convert(p) for p in client.repo.get_pulls(state="all", head=f"{owner}:{head_branch}")]
        return [_convert(p) for p in client.repo.get_commit(head_sha).get_pulls()]

    activity = f"looking for the pull request of commit {head_sha[:12]}"
    return _best_match(send(client, list_candidates, activity=activity, permission=READ), head_sha, origin)


def _best_match(candidates: Iterable[PullRequest], head_sha: str, origin: str) -> PullRequest | None:
    matches = [p for p in candidates if p.head_repository.lower() == origin.lower()]
    return min(matches, key=lambda p: (p.stale(head_sha), p.state != "open", p.number), default=None)


def blocking_rules(client: Client, branch: str) -> tuple[str, ...]:
    """Return the rules in force on `branch` under which an ordinary push is rejected.

    This API does not report classic branch protection, which only administrators can read, and some servers do not
    support it. In both cases only the push itself shows the protection.

    Raises:
        GitHubError: GitHub rejected the request for another reason than an unsupported API.
    """
    address = f"/repos/{client.repository}/rules/branches/{quote(branch, safe='')}"

    def read() -> list[str]:
        _, rules = client.api.requester.requestJsonAndCheck("GET", address)
        if not isinstance(rules, list):
            raise TypeError("the rules of a branch are a list")
        return [rule["type"] for rule in rules]

    activity = f"reading the rules of branch {branch}"
    try:
        rule_types = send(client, read, activity=activity, permission="metadata: read")
    except GitHubError as error:
        if error.reason_code == "not-found":
            return ()
        raise
    return tuple(dict.fromkeys(rule for rule in rule_types if rule in BLOCKING_RULES))


def _convert(pull: ApiPullRequest) -> PullRequest:
    head_repository = getattr(pull.head.repo, "full_name", "")  # the repository is None if the fork was deleted
    return PullRequest(
        number=require(pull.number),
        head_sha=require(pull.head.sha),
        head_repository=head_repository,
        state=require(pull.state),
        url=require(pull.html_url),
    )
