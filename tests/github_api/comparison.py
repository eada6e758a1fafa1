"""The comparison of two commits; the merge base is the one that the repository's field `merge_bases` names."""

from __future__ import annotations

from github_api import shapes
from github_api.calls import NOT_FOUND, Call, Response
from github_api.state import State


def compare_commits(state: State, call: Call) -> Response:
    """Answer with the merge base of the head; without an entry, it is the base of the head's pull request."""
    base, dots, head = call.path["basehead"].partition("...")
    bases = {p["head_sha"]: p["base_sha"] for p in state.pull_requests if p["repository"] == call.repository}
    ancestor = {**bases, **state.repositories[call.repository]["merge_bases"]}.get(head)
    if not dots or ancestor is None:
        return NOT_FOUND
    url = f"{call.root}/repos/{call.repository}/compare/{base}...{head}"
    names = ("url", "html_url", "permalink_url", "diff_url", "patch_url")
    return Response(
        200,
        {
            **dict.fromkeys(names, url),
            "base_commit": shapes.commit(call.root, call.repository, base, "base"),
            "merge_base_commit": shapes.commit(call.root, call.repository, ancestor, "merge base"),
            "status": "diverged",
            "ahead_by": 1,
            "behind_by": 1,
            "total_commits": 1,
            "commits": [],
            "files": [],
        },
    )
