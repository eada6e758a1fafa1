"""Pull requests: which one a run belongs to, whether a branch takes a push, and the pull request that reverts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ghmlops.act.github.client import Client, ask, told
from ghmlops.core.errors import GitHubError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from github.PullRequest import PullRequest as ApiPullRequest

READ, WRITE = "pull-requests: read", "pull-requests: write"
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
"""Rules of a branch under which an ordinary push of one new commit is refused."""


class PullRequest(NamedTuple):
    """What GitHub says of a pull request; nothing here comes from an artifact or an event."""

    number: int
    head_sha: str
    head_repository: str
    """`owner/name`; empty where the fork was deleted."""
    state: str
    """`open` or `closed`."""
    url: str

    def stale(self, head_sha: str) -> bool:
        """True where the head has moved on from `head_sha`."""
        return self.head_sha != head_sha


def pull_request(client: Client, number: int) -> PullRequest:
    """Return pull request `number`.

    Raises:
        GitHubError: there is none (reason code `not-found`), or GitHub refused.
    """
    return ask(client, lambda: _read(client.repo.get_pull(number)), doing=f"reading pull request #{number}", need=READ)


def pull_request_for(
    client: Client, *, head_sha: str, head_repository: str = "", head_branch: str = ""
) -> PullRequest | None:
    """Return the pull request of a commit, for events that do not name one (`workflow_run`, `push`).

    The event's own list is empty for forks, and so is GitHub's list of pull requests of a commit; so it is looked up by
    the head's owner and branch where both are known, else by the commit. It must match the head repository. One whose
    head is the commit comes first, an open one before a closed one, the oldest first; a match whose head has moved on
    is returned too: ask its `stale()`.

    Args:
        client: the connection.
        head_sha: full SHA of the head commit.
        head_repository: `owner/name` the head lies in; the client's own repository where empty.
        head_branch: branch the head lies on, where the event tells.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
    """
    origin = head_repository or client.repository
    owner = origin.partition("/")[0]

    def listed() -> list[PullRequest]:
        if head_branch:
            return [_read(p) for p in client.repo.get_pulls(state="all", head=f"{owner}:{head_branch}")]
        return [_read(p) for p in client.repo.get_commit(head_sha).get_pulls()]

    doing = f"looking for the pull request of commit {head_sha[:12]}"
    return _best(ask(client, listed, doing=doing, need=READ), head_sha, origin)


def _best(found: Iterable[PullRequest], head_sha: str, origin: str) -> PullRequest | None:
    own = [p for p in found if p.head_repository.lower() == origin.lower()]
    return min(own, key=lambda p: (p.stale(head_sha), p.state != "open", p.number), default=None)


def protected(client: Client, branch: str) -> tuple[str, ...]:
    """Return the rules in force on `branch` that refuse an ordinary push; none where it is free.

    Classic branch protection is not told by this API (only an administrator may read it), nor by servers that do not
    know it; there the push itself says so.

    Raises:
        GitHubError: GitHub refused for another reason than not knowing.
    """
    address = f"/repos/{client.repository}/rules/branches/{quote(branch, safe='')}"

    def read() -> list[str]:
        _, rules = client.api.requester.requestJsonAndCheck("GET", address)
        if not isinstance(rules, list):
            raise TypeError("the rules of a branch are a list")
        return [rule["type"] for rule in rules]

    try:
        kinds = ask(
            client,
            read,
            doing=f"reading the rules of branch {branch}",
            need="metadata: read",
        )
    except GitHubError as error:
        if error.reason_code == "not-found":
            return ()
        raise
    return tuple(dict.fromkeys(kind for kind in kinds if kind in BLOCKING_RULES))


def open_revert_pull_request(client: Client, *, head: str, base: str, title: str, body: str) -> int:
    """Open the pull request from branch `head` to `base`, both in the client's repository, and return its number.

    An open one with the same head and base is returned instead, so that a second call does no harm.

    Raises:
        GitHubError: GitHub refused; `PermissionMissing` names the permission.
    """

    def listed() -> list[int]:
        same = client.repo.get_pulls(state="open", head=f"{client.owner}:{head}", base=base)
        return [told(p.number) for p in same if p.head.ref == head]

    def existing() -> int | None:
        return min(ask(client, listed, doing="looking for an open revert pull request", need=READ), default=None)

    if (number := existing()) is not None:
        return number
    return ask(
        client,
        lambda: told(client.repo.create_pull(base, head, title=title, body=body).number),
        doing=f"opening a pull request from {head} to {base}",
        need=WRITE,
        found=existing,
    )


def _read(found: ApiPullRequest) -> PullRequest:
    origin = getattr(found.head.repo, "full_name", "")  # None where the fork was deleted
    return PullRequest(told(found.number), told(found.head.sha), origin, told(found.state), told(found.html_url))
