"""Reads which commit a merged pull request became on its base branch."""

from __future__ import annotations

from ghmlops.clients.github.client import Client, require, send
from ghmlops.core.context import is_sha
from ghmlops.core.errors import InputError
from ghmlops.core.revert.spec import MergedPullRequest
from ghmlops.measure.github.pull_requests import READ


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
        head = pull_request.head.sha if pull_request.head else ""
        return MergedPullRequest(sha=pull_request.merge_commit_sha, base=base, messages=messages, head=head)

    merged = send(client, read, activity=f"reading pull request #{number}", permission=READ)
    if merged is None or not merged.messages:
        raise InputError(f"pull request #{number} is not merged", hint="there is nothing to revert; close it instead")
    return merged
