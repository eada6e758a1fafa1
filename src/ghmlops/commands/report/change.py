"""The pull request that a run measured, from GitHub's API alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ghmlops.core.evidence.run import RunFacts
    from ghmlops.measure.github import Client


class Change(NamedTuple):
    """A pull request, or a commit without one.

    Attributes:
        number: number of the pull request; `None` if there is none.
        base_sha: merge base of its head with its target branch; empty without a pull request.
        reviewer: maintainer who reviewed the inputs after the head was pushed; empty if nobody did.
        files: paths, from the top folder, of the files that it changes.
        all_files: whether GitHub lists all of them.
    """

    number: int | None
    base_sha: str = ""
    reviewer: str = ""
    files: frozenset[str] = frozenset()
    all_files: bool = True


def read_change(client: Client, run: RunFacts, number: int | None) -> Change:
    """Return the pull request of a run. The label counts only for the head that the run measured.

    Args:
        client: the connection.
        run: the run that measured.
        number: number of the pull request if a person named it; otherwise it is found by the head of the run.

    Raises:
        GitHubError: GitHub rejected a request; `PermissionMissing` names the permission.
    """
    from ghmlops.measure.github.commits import compare
    from ghmlops.measure.github.pull_requests import pull_request, pull_request_for
    from ghmlops.measure.github.reviews import Head, inputs_reviewer, push_time
    from ghmlops.measure.github.runs import read_api_run, run_number

    api_run = read_api_run(client, run_number(run.run_id))
    if number is not None:
        pull = pull_request(client, number)
    else:
        match = pull_request_for(
            client,
            head_sha=run.head_sha,
            head_repository=run.head_repository,
            head_branch=api_run.head_branch or "",
        )
        if match is None:
            return Change(None)
        pull = match
    comparison = compare(client, pull.base_sha, run.head_sha)
    reviewer = ""
    if not pull.stale(run.head_sha):
        # The run may be older than the last push of its commit, if the head was another one in between.
        pushed = push_time(client, Head(pull.head_repository, pull.head_branch, pull.head_sha), run.workflow)
        measured = datetime.fromisoformat(api_run.created_at)
        reviewer = inputs_reviewer(client, pull.number, max(pushed or measured, measured))
    return Change(pull.number, comparison.merge_base, reviewer, comparison.files, comparison.complete)
