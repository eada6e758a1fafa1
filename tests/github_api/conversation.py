"""Users, repositories, pull requests and comments."""

from __future__ import annotations

from github_api import git_data, shapes
from github_api.calls import NOT_FOUND, Call, Json, Response, error_response, invalid
from github_api.state import State, now


def get_user(_state: State, call: Call) -> Response:
    if call.token["kind"] == "installation":
        return error_response(403, "Resource not accessible by integration")
    return Response(200, shapes.public_user(call.root, call.token["login"], "User"))


def graphql(state: State, token: Json, body: object) -> Response:
    """Answer who the token is, and create a commit. GitHub's description does not contain GraphQL."""
    query = body.get("query") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(query, str):
        if query.split() == ["query", "{", "viewer", "{", "login", "}", "}"]:
            return Response(200, {"data": {"viewer": {"login": token["login"]}}})
        if query.split()[0].startswith("mutation(") and "createCommitOnBranch(input: $input)" in query:
            return Response(200, git_data.create_commit_on_branch(state, token, body["variables"]["input"]))
    return Response(200, {"errors": [{"message": f"this server does not know the query {query!r}"}]})


def get_repository(state: State, call: Call) -> Response:
    stored = state.repositories[call.repository]
    settings = {"default_branch": stored["default_branch"], "private": stored["private"]}
    return Response(200, shapes.repository(call.root, call.repository, **settings, full=True))


def _pull(state: State, call: Call, key: str = "pull_number") -> Json | None:
    rows = (p for p in state.pull_requests if p["repository"] == call.repository)
    return next((p for p in rows if str(p["number"]) == call.path[key]), None)


def get_pull(state: State, call: Call) -> Response:
    pull = _pull(state, call)
    return Response(200, shapes.pull_request(call.root, pull, state.repositories, full=True)) if pull else NOT_FOUND


def list_pulls(state: State, call: Call) -> Response:
    state_filter, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    pulls = [
        p
        for p in state.pull_requests
        if p["repository"] == call.repository
        and state_filter in ("all", p["state"])
        and base in (None, p["base_ref"])
        and head in (None, f"{p['head_repository'].partition('/')[0]}:{p['head_ref']}")
    ]
    return Response(200, [shapes.pull_request(call.root, p, state.repositories) for p in pulls])


def list_pulls_of_commit(state: State, call: Call) -> Response:
    """List the pull requests of a commit; as on GitHub, none for a commit that only a fork contains."""
    pulls = [
        p
        for p in state.pull_requests
        if p["repository"] == p["head_repository"] == call.repository
        and call.path["commit_sha"] in (p["head_sha"], *p["old_heads"])
    ]
    return Response(200, [shapes.pull_request(call.root, p, state.repositories) for p in pulls])


def list_commits_of_pull(state: State, call: Call) -> Response:
    """List the commits: the last one is the head, the ids of the others are generated."""
    pull = _pull(state, call)
    if pull is None:
        return NOT_FOUND
    shas = [f"{i:040x}" for i in range(1, len(pull["messages"]))] + [pull["head_sha"]]
    rows = zip(shas, pull["messages"], strict=True)
    return Response(200, [shapes.commit(call.root, call.repository, sha, message) for sha, message in rows])


def create_pull(state: State, call: Call) -> Response:
    owner, _, branch = call.body["head"].rpartition(":")
    base, refs = call.body["base"], state.refs(call.repository)
    duplicates = [
        p
        for p in state.pull_requests
        if (p["repository"], p["state"], p["head_ref"], p["base_ref"]) == (call.repository, "open", branch, base)
    ]
    if duplicates:
        return invalid(f"A pull request already exists for {owner or call.repository.partition('/')[0]}:{branch}.")
    if branch == base:
        return invalid(f"No commits between {base} and {branch}")
    if refs and f"heads/{branch}" not in refs:
        return error_response(
            422, "Validation Failed", ({"resource": "PullRequest", "field": "head", "code": "invalid"},)
        )
    number = max((p["number"] for p in state.pull_requests), default=0) + 1
    state.seed(
        {
            "pull_requests": [
                {
                    "number": number,
                    "head_sha": refs.get(f"heads/{branch}", "e" * 40),
                    "head_ref": branch,
                    "base_ref": base,
                    "title": call.body.get("title", ""),
                    "body": call.body.get("body"),
                    "repository": call.repository,
                    **call.author,
                }
            ]
        }
    )
    pull = state.pull_requests[-1]
    return Response(201, shapes.pull_request(call.root, pull, state.repositories, full=True))


def list_comments(state: State, call: Call) -> Response:
    number = call.path["issue_number"]
    comments = [c for c in state.comments if c["repository"] == call.repository and str(c["issue"]) == number]
    return Response(200, [shapes.comment(call.root, c) for c in comments])


def create_comment(state: State, call: Call) -> Response:
    if _pull(state, call, "issue_number") is None and _issue(state, call) is None:
        return NOT_FOUND
    if (problem := _too_long(call.body["body"])) is not None:
        return problem
    number, stamp = int(call.path["issue_number"]), now()
    comment = state.stamped(
        repository=call.repository, issue=number, body=call.body["body"], updated_at=stamp, edits=0, **call.author
    )
    state.comments.append(comment)
    return Response(201, shapes.comment(call.root, comment))


def _comment(state: State, call: Call) -> Json | None:
    return next((c for c in state.comments if str(c["id"]) == call.path["comment_id"]), None)


def edit_comment(state: State, call: Call) -> Response:
    comment = _comment(state, call)
    if comment is None:
        return NOT_FOUND
    if (problem := _too_long(call.body["body"])) is not None:
        return problem
    comment.update(body=call.body["body"], updated_at=now(), edits=comment.get("edits", 0) + 1)
    return Response(200, shapes.comment(call.root, comment))


def delete_comment(state: State, call: Call) -> Response:
    comment = _comment(state, call)
    if comment is None:
        return NOT_FOUND
    state.comments.remove(comment)
    return Response(204, None)


def list_issues(state: State, call: Call) -> Response:
    """List open issues, newest first; as on GitHub, pull requests are among them."""
    issues = [
        i for i in reversed(state.issues) if (i["repository"], i.get("state", "open")) == (call.repository, "open")
    ]
    return Response(200, [shapes.issue(call.root, issue) for issue in issues])


def create_issue(state: State, call: Call) -> Response:
    fields = {"title": call.body["title"], "body": call.body.get("body", ""), "repository": call.repository, "edits": 0}
    state.issues.append(state.stamped(**fields, **call.author))
    return Response(201, shapes.issue(call.root, state.issues[-1]))


def _issue(state: State, call: Call) -> Json | None:
    return next((i for i in state.issues if str(i["id"]) == call.path["issue_number"]), None)


def edit_issue(state: State, call: Call) -> Response:
    issue = _issue(state, call)
    if issue is None:
        return NOT_FOUND
    fields = {name: call.body[name] for name in ("title", "body", "state") if name in call.body}
    issue.update(**fields, edits=issue["edits"] + 1)
    return Response(200, shapes.issue(call.root, issue))


def _too_long(body: str) -> Response | None:
    return invalid("body is too long (maximum is 65536 characters)") if len(body) > 65536 else None
