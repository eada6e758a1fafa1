"""Reads which commit a merged pull request became on its base branch."""

from __future__ import annotations

from typing import NamedTuple

from ghmlops.clients.github.client import Client, require, send
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.measure.github.pull_requests import READ


class MergedPullRequest(NamedTuple):
    """A merged pull request as GitHub describes it."""

    sha: str
    """The commit on the base branch: a merge commit, a squash commit, or the last of the rebased commits."""
    base: str
    """Name of the base branch."""
    messages: tuple[str, ...]
    """Messages of the commits of the pull request, oldest first; GitHub lists at most 250."""


def merged_pull_request(client: Client, number: int) -> MergedPullRequest:
    """Return the merge of pull request `number`.

    Raises:
        InputError: The pull request is not merged.
        GitHubError: There is no such pull request, or GitHub rejected a request.
    """

    def read() -> MergedPullRequest | None:
        pull_request = client.repo.get_pull(number)
        if not require(pull_request.merged) or not is_sha(pull_request.merge_commit_sha):
            return None
        messages = tuple(require(c.commit.message) for c in pull_request.get_commits())
        base = require(pull_request.base.ref)
        return MergedPullRequest(sha=pull_request.merge_commit_sha, base=base, messages=messages)

    merged = send(client, read, activity=f"reading pull request #{number}", permission=READ)
    if merged is None or not merged.messages:
        raise InputError(f"pull request #{number} is not merged", hint="there is nothing to revert; close it instead")
    return merged
