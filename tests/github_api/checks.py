"""Check runs."""

from __future__ import annotations

from github_api import shapes
from github_api.calls import NOT_FOUND, Call, Response, invalid
from github_api.state import State

MAX_ANNOTATIONS = 50
"""Annotations in one request."""
_FIELDS = ("name", "head_sha", "external_id", "details_url", "status", "conclusion", "output")


def list_check_runs(state: State, call: Call) -> Response:
    """List the check runs of a commit, newest first; `latest`, the default, lists one per name."""
    name = call.query.get("check_name")
    rows = [c for c in reversed(state.check_runs) if c["head_sha"] == call.path["ref"] and name in (None, c["name"])]
    if call.query.get("filter", "latest") == "latest":
        rows = list({c["name"]: c for c in reversed(rows)}.values())
    objects = [shapes.check_run(call.root, c) for c in rows]
    return Response(200, {"total_count": len(objects), "check_runs": objects})


def create_check_run(state: State, call: Call) -> Response:
    if len(call.body.get("output", {}).get("annotations", ())) > MAX_ANNOTATIONS:
        return invalid("Only 50 annotations are allowed per request")
    if not state.knows_commit(call.repository, call.body["head_sha"]):
        return invalid(f"No commit found for SHA: {call.body['head_sha']}")
    fields = {key: call.body[key] for key in _FIELDS if key in call.body and key not in ("name", "head_sha")}
    keys = {"name": call.body["name"], "head_sha": call.body["head_sha"], "repository": call.repository}
    state.seed({"check_runs": [{**keys, **fields}]})
    return Response(201, shapes.check_run(call.root, state.check_runs[-1]))


def edit_check_run(state: State, call: Call) -> Response:
    """Edit a check run; its annotations are appended to those that it has."""
    row = next((c for c in state.check_runs if str(c["id"]) == call.path["check_run_id"]), None)
    if row is None:
        return NOT_FOUND
    sent = call.body.get("output", {}).get("annotations", [])
    if len(sent) > MAX_ANNOTATIONS:
        return invalid("Only 50 annotations are allowed per request")
    annotations = [*row["output"].get("annotations", ()), *sent]  # GitHub appends
    row.update({key: call.body[key] for key in _FIELDS if key in call.body})
    row["output"] = {**row["output"], **({"annotations": annotations} if annotations else {})}
    return Response(200, shapes.check_run(call.root, row))
