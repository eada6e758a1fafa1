"""What a merged pull request became on its branch."""

from __future__ import annotations

from typing import NamedTuple

from ghmlops.act.github.client import Client, ask, told
from ghmlops.act.github.pulls import READ
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError


class MergedPullRequest(NamedTuple):
    """A merged pull request as GitHub tells it."""

    sha: str
    """The commit on the base branch: a merge commit, the squashed one, or the last of the rebased ones."""
    base: str
    messages: tuple[str, ...]
    """Of its own commits, oldest first; GitHub lists 250 at most."""


def merged_pull_request(client: Client, number: int) -> MergedPullRequest:
    """Return what pull request `number` became.

    Raises:
        InputError: it is not merged.
        GitHubError: there is none, or GitHub refused.
    """

    def read() -> MergedPullRequest | None:
        found = client.repo.get_pull(number)
        if not told(found.merged) or not is_sha(found.merge_commit_sha):
            return None
        messages = tuple(told(c.commit.message) for c in found.get_commits())
        return MergedPullRequest(sha=found.merge_commit_sha, base=told(found.base.ref), messages=messages)

    merged = ask(client, read, doing=f"reading pull request #{number}", need=READ)
    if merged is None or not merged.messages:
        raise InputError(f"pull request #{number} is not merged", hint="there is nothing to revert; close it instead")
    return merged
