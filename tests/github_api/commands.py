"""What a command in a comment needs: the comment itself, reactions, and runs that start again."""

from __future__ import annotations

from github_api import shapes
from github_api.calls import NOT_FOUND, Call, Json, Response, error_response
from github_api.state import State, now


def get_comment(state: State, call: Call) -> Response:
    comment = _comment(state, call)
    return Response(200, shapes.comment(call.root, comment)) if comment else NOT_FOUND


def create_reaction(state: State, call: Call) -> Response:
    """Add a reaction; the same one of the same user is not added twice, which the status tells."""
    comment = _comment(state, call)
    if comment is None:
        return NOT_FOUND
    key = {"comment": comment["id"], "content": call.body["content"], "login": call.author["login"]}
    existing = next((r for r in state.reactions if {k: r[k] for k in key} == key), None)
    if existing is None:
        state.reactions.append(state.stamped(**key, type=call.author["type"]))
    reaction = existing or state.reactions[-1]
    return Response(200 if existing else 201, shapes.reaction(call.root, reaction))


def _comment(state: State, call: Call) -> Json | None:
    return next((c for c in state.comments if str(c["id"]) == call.path["comment_id"]), None)


def rerun(state: State, call: Call) -> Response:
    """Start the next attempt of a run, with the refusal of GitHub for one that is not completed."""
    run = next((r for r in state.runs if str(r["id"]) == call.path["run_id"]), None)
    if run is None:
        return NOT_FOUND
    if run["status"] != "completed":
        return error_response(403, "This workflow is already running")
    run["attempts"][str(run["run_attempt"])] = {"conclusion": run["conclusion"]}
    started = {"status": "queued", "conclusion": None, "run_started_at": now(), "triggering_actor": ""}
    run.update(started, run_attempt=run["run_attempt"] + 1)
    return Response(201, {})
