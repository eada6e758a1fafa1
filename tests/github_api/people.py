"""Roles of people in a repository, and the events of a pull request that record who set a label."""

from __future__ import annotations

from github_api import shapes
from github_api.calls import NOT_FOUND, Call, Response
from github_api.state import State

_RIGHTS = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read", "read": "read"}


def get_permission(state: State, call: Call) -> Response:
    """Answer as GitHub does: `permission` knows four levels only, `role_name` all."""
    login = call.path["username"]
    role = state.repositories[call.repository]["roles"].get(login)
    if role is None:
        return NOT_FOUND
    kind = "Bot" if login in state.repositories[call.repository].get("bots", ()) else "User"
    user = {**shapes.user(call.root, login, kind), "role_name": role}
    return Response(200, {"permission": _RIGHTS[role], "role_name": role, "user": user})


def get_membership(state: State, call: Call) -> Response:
    """Answer whether a person is a member of a team, which any repository of the seed may list as `teams`."""
    name, login = f"{call.path['org']}/{call.path['team_slug']}", call.path["username"]
    members = [row["teams"].get(name, {}) for row in state.repositories.values()]
    state_of = next((rows[login] for rows in members if login in rows), None)
    if state_of is None:
        return NOT_FOUND
    url = f"{call.root}/orgs/{call.path['org']}/teams/{call.path['team_slug']}/memberships/{login}"
    return Response(200, {"url": url, "role": "member", "state": state_of})


def list_issue_events(state: State, call: Call) -> Response:
    """List the events of a pull request, oldest first."""
    stored = state.repositories[call.repository]["events"]
    rows = [event for event in stored if str(event["issue"]) == call.path["issue_number"]]
    objects = [
        {
            "id": number,
            "node_id": f"LE_{number}",
            "url": f"{call.root}/repos/{call.repository}/issues/events/{number}",
            "actor": shapes.user(call.root, event["login"], "User"),
            "event": event["event"],
            "commit_id": None,
            "commit_url": None,
            "created_at": event["created_at"],
            "performed_via_github_app": None,
            **({"label": {"name": event["label"], "color": "ededed"}} if event.get("label") else {}),
        }
        for number, event in enumerate(rows, start=1)
    ]
    return Response(200, objects)
