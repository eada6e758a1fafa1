"""Comparisons, files and pushes.

The merge base of a head is the one that the repository's field `merge_bases` names, its files are those of
`changed_files`, the content of a file is in `contents` under `SHA:path`, and the pushes are `activity`.
"""

from __future__ import annotations

import base64

from github_api import shapes
from github_api.calls import NOT_FOUND, Call, Json, Response
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
            "files": [_file(url, path) for path in state.repositories[call.repository]["changed_files"].get(head, [])],
        },
    )


def _file(url: str, path: str) -> Json:
    names = ("blob_url", "raw_url", "contents_url")
    counts = dict.fromkeys(("additions", "deletions", "changes"), 1)
    return {"sha": "0" * 40, "filename": path, "status": "modified", **counts, **dict.fromkeys(names, url)}


def get_content(state: State, call: Call) -> Response:
    """Answer with a file of a commit."""
    path, ref = call.path["path"], call.query.get("ref", "")
    text = state.repositories[call.repository]["contents"].get(f"{ref}:{path}")
    if text is None:
        return NOT_FOUND
    url = f"{call.root}/repos/{call.repository}/contents/{path}?ref={ref}"
    return Response(
        200,
        {
            "type": "file",
            "encoding": "base64",
            "size": len(text.encode()),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": base64.encodebytes(text.encode()).decode(),
            "sha": "0" * 40,
            **dict.fromkeys(("url", "git_url", "html_url", "download_url"), url),
            "_links": dict.fromkeys(("git", "self", "html"), url),
        },
    )


def list_activity(state: State, call: Call) -> Response:
    """List the updates of a branch, newest first."""
    rows = state.repositories[call.repository]["activity"]
    matches = [row for row in rows if call.query.get("ref", row["ref"]) == row["ref"]]
    objects = [
        {"id": number, "node_id": f"A_{number}", "activity_type": "push", "actor": None, **row}
        for number, row in enumerate(matches, start=1)
    ]
    return Response(200, sorted(objects, key=lambda row: row["timestamp"], reverse=True))
