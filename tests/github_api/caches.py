"""Caches of actions/cache: a key that several references may have saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from github_api.calls import Response

if TYPE_CHECKING:
    from github_api.calls import Call
    from github_api.state import State


def list_caches(state: State, call: Call) -> Response:
    """List the caches whose keys start with `key`, of one reference or of all, newest first."""
    rows = [
        {"id": number, "last_accessed_at": row["created_at"], "size_in_bytes": 1, "version": "v", **row}
        for number, row in enumerate(state.caches, start=1)
        if row["key"].startswith(call.query.get("key", "")) and call.query.get("ref") in (None, row["ref"])
    ]
    return Response(200, {"total_count": len(rows), "actions_caches": rows[::-1]})
