"""Reads pull requests, and the rules of a branch that prevent a push."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from ghmlops.clients.github.calls import read, read_pages
from ghmlops.clients.github.identity import viewer_login
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ghmlops.clients.github.client import Client

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
UNREADABLE_RULES = "unreadable"
"""What `blocking_rules` returns if the rules cannot be read: a pull request is then the only safe way."""


class _Repository(msgspec.Struct, frozen=True):
    full_name: str


class _Head(msgspec.Struct, frozen=True):
    sha: str
    ref: str = ""
    repo: _Repository | None = None
    """`None` if the fork was deleted."""


class _ApiPullRequest(msgspec.Struct, frozen=True):
    number: int
    head: _Head
    base: _Head
    state: str
    html_url: str
    body: str | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class _Rule(msgspec.Struct, frozen=True):
    type: str


class PullRequest(NamedTuple):
    """A pull request as GitHub describes it; no value comes from an artifact or an event."""

    number: int
    head_sha: str
    head_repository: str
    """`owner/name`; empty if the fork was deleted."""
    state: str
    """`open` or `closed`."""
    url: str
    base_sha: str = ""
    """Tip of the target branch, as the pull request records it."""
    base_branch: str = ""
    head_branch: str = ""
    merge_sha: str = ""
    """Full SHA of the commit on the target branch that the merge created; empty if it is not merged."""
    body: str = ""
    """Text of the author, Markdown."""

    def stale(self, head_sha: str) -> bool:
        """Return whether the head is another commit than `head_sha`."""
        return self.head_sha != head_sha


def pull_request(client: Client, number: int) -> PullRequest:
    """Return pull request `number`.

    Raises:
        GitHubError: There is no such pull request (reason code `not-found`), or GitHub rejected the request.
    """
    activity = f"reading pull request #{number}"
    return _convert(read(client, f"pulls/{number}", _ApiPullRequest, activity=activity, permission=READ))


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

    query: dict[str, str | int] = {"state": "all", "head": f"{owner}:{head_branch}"} if head_branch else {}
    address = "pulls" if head_branch else f"commits/{head_sha}/pulls"
    activity = f"looking for the pull request of commit {head_sha[:12]}"
    pages = read_pages(client, address, _ApiPullRequest, activity=activity, permission=READ, parameters=query)
    return _best_match((_convert(p) for page in pages for p in page), head_sha, origin)


def merged_pull_requests(client: Client, commit: str) -> list[PullRequest]:
    """Return the merged pull requests that brought a commit to its branch, by GitHub's records.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    activity = f"looking for the pull request of commit {commit[:12]}"
    pages = read_pages(client, f"commits/{commit}/pulls", _ApiPullRequest, activity=activity, permission=READ)
    return [pull for page in pages for pull in map(_convert, page) if pull.merge_sha]


def merged_pull_request(client: Client, commit: str) -> PullRequest | None:
    """Return the merged pull request of a commit: that whose merge it is, or else the newest one that contains it.

    Raises:
        GitHubError: GitHub rejected the request; `PermissionMissing` names the permission.
    """
    pulls = merged_pull_requests(client, commit)
    return max(pulls, key=lambda item: (item.merge_sha == commit, item.number), default=None)


def _best_match(candidates: Iterable[PullRequest], head_sha: str, origin: str) -> PullRequest | None:
    matches = [p for p in candidates if p.head_repository.lower() == origin.lower()]
    return min(matches, key=lambda p: (p.stale(head_sha), p.state != "open", p.number), default=None)


def is_workflow_token(client: Client) -> bool:
    """Return whether the token is the GITHUB_TOKEN of a workflow run; `False` if its owner cannot be read."""
    try:
        return viewer_login(client).removesuffix("[bot]") == "github-actions"
    except GitHubError as error:
        client.note(f"the owner of the token is unknown: {error.message}")
        return False


def blocking_rules(client: Client, branch: str) -> tuple[str, ...]:
    """Return the rules in force on `branch` under which an ordinary push is rejected; empty if a push is allowed.

    If the rules cannot be read, whatever the reason, the result is `(UNREADABLE_RULES,)` and the reason is a note: not
    to know the rules does not mean that there are none, so the caller opens a pull request. This API does not report
    classic branch protection, which only administrators can read; there, the push itself shows the protection.
    """
    address = f"rules/branches/{quote(branch, safe='')}"
    activity = f"reading the rules of branch {branch}"
    try:
        pages = list(read_pages(client, address, _Rule, activity=activity, permission="metadata: read"))
    except GitHubError as error:
        client.note(f"a pull request is needed, because the rules of the branch cannot be read: {error.message}")
        return (UNREADABLE_RULES,)
    return tuple(dict.fromkeys(rule.type for page in pages for rule in page if rule.type in BLOCKING_RULES))


def _convert(pull: _ApiPullRequest) -> PullRequest:
    return PullRequest(
        number=pull.number,
        head_sha=pull.head.sha,
        head_repository=pull.head.repo.full_name if pull.head.repo else "",
        state=pull.state,
        url=pull.html_url,
        base_sha=pull.base.sha,
        base_branch=pull.base.ref,
        head_branch=pull.head.ref,
        merge_sha=(pull.merge_commit_sha or "") if pull.merged_at else "",
        body=pull.body or "",
    )
