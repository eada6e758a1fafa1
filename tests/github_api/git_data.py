"""Blobs, trees, commits and references, and the mutation that creates a commit on a branch."""

from __future__ import annotations

import base64
import binascii

from github_api import objects, shapes
from github_api.calls import NOT_FOUND, Call, Json, Response, error_response, invalid
from github_api.objects import Commit
from github_api.state import State, allowed

RULES_TEXT = {
    "pull_request": "Changes must be made through a pull request.",
    "required_status_checks": "Required status check is expected.",
    "required_signatures": "Commits must have verified signatures.",
}


def create_blob(state: State, call: Call) -> Response:
    content = call.body["content"]
    try:
        data = base64.b64decode(content, validate=True) if call.body.get("encoding") == "base64" else content.encode()
    except binascii.Error:
        return invalid("content is not valid Base64")
    sha = objects.write(state, call.repository, "blob", data)
    return Response(201, {"sha": sha, "url": f"{call.root}/repos/{call.repository}/git/blobs/{sha}"})


def create_tree(state: State, call: Call) -> Response:
    base = call.body.get("base_tree")
    stored = objects.read(state, call.repository, base) if base else None
    if base and (stored is None or stored[0] != "tree"):
        return NOT_FOUND
    files = objects.read_tree(state, call.repository, base) if base else {}
    for entry in call.body["tree"]:
        if entry["sha"] is None:
            if files.pop(entry["path"], None) is None:
                return invalid("GitRPC::BadObjectState")
        elif entry["type"] == "blob" and objects.read(state, call.repository, entry["sha"]) is None:
            return invalid(f"tree.sha {entry['sha']} is not a valid blob")
        else:
            files[entry["path"]] = (entry["mode"], entry["sha"])
    sha = objects.write_tree(state, call.repository, files)
    url = f"{call.root}/repos/{call.repository}/git/trees/{sha}"
    rows = [
        {"path": path, "mode": mode, "type": "commit" if mode == "160000" else "blob", "sha": sha}
        for path, (mode, sha) in sorted(files.items())
    ]
    return Response(201, {"sha": sha, "url": url, "truncated": False, "tree": rows})


def create_commit(state: State, call: Call) -> Response:
    """Create a commit, which GitHub signs for the token of an App, if the request names no author."""
    parents = tuple(call.body.get("parents", ()))
    if any(objects.read_commit(state, call.repository, parent) is None for parent in parents):
        return invalid("Parent SHA does not exist or is not a commit object")
    if objects.read(state, call.repository, call.body["tree"]) is None:
        return invalid("Tree SHA does not exist")
    commit = Commit("", call.body["tree"], parents, call.body["message"])
    sha = objects.write_commit(state, call.repository, commit, call.token["login"], number=state.next_id())
    if call.token["kind"] == "installation" and not {"author", "committer", "signature"} & call.body.keys():
        state.signed.add(sha)
    return Response(201, _shape(state, call, commit._replace(sha=sha)))


def get_commit(state: State, call: Call) -> Response:
    commit = objects.read_commit(state, call.repository, call.path["commit_sha"])
    return Response(200, _shape(state, call, commit)) if commit else NOT_FOUND


def _shape(state: State, call: Call, commit: Commit) -> Json:
    return shapes.git_commit(call.root, call.repository, commit._asdict(), signed=commit.sha in state.signed)


def list_matching_refs(state: State, call: Call) -> Response:
    refs = state.refs(call.repository)
    names = sorted(name for name in refs if name.startswith(call.path["ref"]))
    return Response(200, [shapes.git_ref(call.root, call.repository, name, refs[name]) for name in names])


def update_ref(state: State, call: Call) -> Response:
    name, sha = call.path["ref"], call.body["sha"]
    old = state.refs(call.repository).get(name)
    if old is None:
        return error_response(422, "Reference does not exist")
    if objects.read_commit(state, call.repository, sha) is None:
        return error_response(422, "Object does not exist")
    if not call.body.get("force") and not objects.is_ancestor(state, call.repository, old, sha):
        return error_response(422, "Update is not a fast forward")
    if text := _violated(state, call.repository, name, sha):
        return error_response(422, f"Repository rule violations found\n\n{text}")
    objects.set_ref(state, call.repository, name, sha)
    return Response(200, shapes.git_ref(call.root, call.repository, name, sha))


def _violated(state: State, repository: str, ref: str, sha: str) -> str:
    rules = state.repositories[repository]["rules"].get(ref.removeprefix("heads/"), [])
    texts = [RULES_TEXT[rule] for rule in rules if rule in RULES_TEXT]
    return "\n".join(t for t in texts if t != RULES_TEXT["required_signatures"] or sha not in state.signed)


def create_commit_on_branch(state: State, token: Json, fields: Json) -> Json:
    """Return the response to the mutation. As on GitHub, errors arrive with status 200, and every file is regular."""
    repository, branch = fields["branch"]["repositoryNameWithOwner"], fields["branch"]["branchName"]
    if not allowed(token, ("contents:write",), private=True):
        return _error("FORBIDDEN", "Resource not accessible by integration")
    head = state.refs(repository).get(f"heads/{branch}") if repository in state.repositories else None
    if head is None:
        return _error("NOT_FOUND", f"Could not resolve to a branch `{branch}`.")
    if head != fields["expectedHeadOid"]:
        return _error("STALE_DATA", f'Expected branch to point to "{fields["expectedHeadOid"]}" but it did not.')
    parent = objects.read_commit(state, repository, head)
    assert parent is not None
    files = objects.read_tree(state, repository, parent.tree)
    changes = fields["fileChanges"]
    for deletion in changes["deletions"]:
        if files.pop(deletion["path"], None) is None:
            return _error(
                "UNPROCESSABLE", f"A path was requested for deletion which does not exist: {deletion['path']}"
            )
    for addition in changes["additions"]:
        blob = objects.write(state, repository, "blob", base64.b64decode(addition["contents"], validate=True))
        files[addition["path"]] = ("100644", blob)
    message = "\n\n".join(filter(None, (fields["message"]["headline"], fields["message"].get("body", ""))))
    commit = Commit("", objects.write_tree(state, repository, files), (head,), message)
    sha = objects.write_commit(state, repository, commit, token["login"], number=state.next_id())
    state.signed.add(sha)
    if text := _violated(state, repository, f"heads/{branch}", sha):
        return _error("UNPROCESSABLE", f"Repository rule violations found\n\n{text}")
    objects.set_ref(state, repository, f"heads/{branch}", sha)
    created = {"oid": sha, "tree": {"oid": commit.tree}, "signature": {"isValid": True}}
    return {"data": {"createCommitOnBranch": {"commit": created}}}


def _error(kind: str, message: str) -> Json:
    return {"data": {"createCommitOnBranch": None}, "errors": [{"type": kind, "message": message}]}
