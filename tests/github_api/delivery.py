"""Deployments, statuses, rules, references, runs and artifacts."""

from __future__ import annotations

from github_api import objects, shapes
from github_api.calls import NOT_FOUND, Call, Json, Response, error_response, invalid
from github_api.state import State


def list_deployments(state: State, call: Call) -> Response:
    keys = ("sha", "ref", "task", "environment")
    deployments = [
        d
        for d in reversed(state.deployments)
        if d["repository"] == call.repository and all(call.query.get(k) in (None, "none", d[k]) for k in keys)
    ]
    return Response(200, [shapes.deployment(call.root, d) for d in deployments])


def create_deployment(state: State, call: Call) -> Response:
    body = call.body
    ref, refs = body["ref"], state.refs(call.repository)
    sha = refs.get(f"heads/{ref}") or ref
    if not state.knows_commit(call.repository, sha):
        return error_response(422, f"No ref found for: {ref}")
    if body.get("required_contexts") != []:
        return error_response(409, "Conflict: Commit status checks failed for " + ref)
    state._deployment(
        sha=sha,
        ref=ref,
        task=body.get("task", "deploy"),
        payload=body.get("payload", ""),
        environment=body.get("environment", "production"),
        description=body.get("description", ""),
        transient_environment=body.get("transient_environment", False),
        production_environment=body.get("production_environment", body.get("environment") == "production"),
        repository=call.repository,
        **call.author,
    )
    return Response(201, shapes.deployment(call.root, state.deployments[-1]))


def _deployment(state: State, call: Call) -> Json | None:
    return next((d for d in state.deployments if str(d["id"]) == call.path["deployment_id"]), None)


def list_deployment_statuses(state: State, call: Call) -> Response:
    deployment = _deployment(state, call)
    if deployment is None:
        return NOT_FOUND
    rows = [s for s in reversed(state.deployment_statuses) if s["deployment"] == deployment["id"]]
    return Response(200, [shapes.deployment_status(call.root, s) for s in rows])


def create_deployment_status(state: State, call: Call) -> Response:
    deployment = _deployment(state, call)
    if deployment is None:
        return NOT_FOUND
    body = call.body
    if len(body.get("description", "")) > 140:
        return invalid("description is too long (maximum is 140 characters)")
    status = state.add_deployment_status(deployment, body, call.author)
    return Response(201, shapes.deployment_status(call.root, status))


def create_status(state: State, call: Call) -> Response:
    sha, body = call.path["sha"], call.body
    if not state.knows_commit(call.repository, sha):
        return error_response(422, f"No commit found for SHA: {sha}")
    if len(body.get("description") or "") > 140:
        return invalid("description is too long (maximum is 140 characters)")
    status = state.stamped(
        repository=call.repository,
        sha=sha,
        state=body["state"],
        description=body.get("description"),
        target_url=body.get("target_url"),
        context=body.get("context", "default"),
        **call.author,
    )
    state.statuses.append(status)
    return Response(201, shapes.commit_status(call.root, status))


def list_statuses(state: State, call: Call) -> Response:
    rows = [s for s in reversed(state.statuses) if s["sha"] == call.path["ref"]]
    return Response(200, [shapes.commit_status(call.root, s) for s in rows])


def list_rules(state: State, call: Call) -> Response:
    kinds = state.repositories[call.repository]["rules"].get(call.path["branch"], [])
    return Response(200, [shapes.rule(call.repository, kind) for kind in kinds])


def get_ref(state: State, call: Call) -> Response:
    sha = state.refs(call.repository).get(call.path["ref"])
    return Response(200, shapes.git_ref(call.root, call.repository, call.path["ref"], sha)) if sha else NOT_FOUND


def create_ref(state: State, call: Call) -> Response:
    refs, ref, sha = state.refs(call.repository), call.body["ref"], call.body["sha"]
    if not ref.startswith("refs/") or ref.count("/") < 2:
        return error_response(422, "Reference name must start with 'refs/'")
    name = ref.removeprefix("refs/")
    if name in refs:
        return error_response(422, "Reference already exists")
    objects.set_ref(state, call.repository, name, sha)
    return Response(201, shapes.git_ref(call.root, call.repository, name, sha))


def get_run(state: State, call: Call) -> Response:
    run = next((r for r in state.runs if str(r["id"]) == call.path["run_id"]), None)
    return Response(200, shapes.workflow_run(call.root, run, state.repositories)) if run else NOT_FOUND


def get_run_attempt(state: State, call: Call) -> Response:
    """Return one attempt of a run; `attempts` of the seed contains the fields in which it differs."""
    number = int(call.path["attempt_number"])
    run = next((r for r in state.runs if str(r["id"]) == call.path["run_id"]), None)
    if run is None or not 1 <= number <= run["run_attempt"]:
        return NOT_FOUND
    attempt = {**run, **run["attempts"].get(str(number), {}), "run_attempt": number}
    return Response(200, shapes.workflow_run(call.root, attempt, state.repositories))


def list_environments(state: State, call: Call) -> Response:
    names = dict.fromkeys(d["environment"] for d in state.deployments if d["repository"] == call.repository)
    objects = [shapes.environment(call.root, call.repository, name) for name in names]
    return Response(200, {"total_count": len(objects), "environments": objects})


def list_runs(state: State, call: Call) -> Response:
    keys = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}
    runs = [
        r
        for r in sorted(state.runs, key=lambda r: -r["id"])
        if r["repository"] == call.repository
        and all(call.query.get(k) in (None, r[field]) for k, field in keys.items())
        and call.query.get("status") in (None, r["status"], r["conclusion"])
    ]
    objects = [shapes.workflow_run(call.root, r, state.repositories) for r in runs]
    return Response(200, {"total_count": len(objects), "workflow_runs": objects})


def list_workflow_runs(state: State, call: Call) -> Response:
    """List the runs of one workflow, newest first."""
    name, sha = call.path["workflow_id"], call.query.get("head_sha")
    event, branch, status = (call.query.get(key) for key in ("event", "branch", "status"))
    runs = [
        r
        for r in reversed(state.runs)
        if r["path"].endswith(f"/{name}")
        and sha in (None, r["head_sha"])
        and event in (None, r["event"])
        and branch in (None, r["head_branch"])
        and status in (None, r["status"], r["conclusion"])
    ]
    objects = [shapes.workflow_run(call.root, r, state.repositories) for r in runs]
    return Response(200, {"total_count": len(objects), "workflow_runs": objects})


def dispatch_workflow(state: State, call: Call) -> Response:
    """Start a run at the tip of a branch; `no-trigger.yml` cannot be started, and `no-inputs.yml` has no inputs."""
    name, branch = call.path["workflow_id"], call.body["ref"]
    sha = state.refs(call.repository).get(f"heads/{branch}")
    if sha is None:
        return error_response(422, f"No ref found for: {branch}")
    if name == "no-trigger.yml":
        return error_response(422, "Workflow does not have 'workflow_dispatch' trigger")
    if name == "no-inputs.yml" and call.body.get("inputs"):
        return error_response(422, f"Unexpected inputs provided: {list(call.body['inputs'])}")
    number = max((r["id"] for r in state.runs), default=900) + 1
    run = {"id": number, "head_sha": sha, "head_branch": branch, "event": "workflow_dispatch", "status": "queued"}
    inputs = call.body.get("inputs", {})
    # The `run-name` of every workflow here is `run ${{ inputs.request }}`.
    title = f"run {inputs.get('request', '')}".strip()
    fields = {"conclusion": None, "path": f".github/workflows/{name}", "inputs": inputs, "display_title": title}
    state.seed({"runs": [{**run, **fields}]})
    if not call.body.get("return_run_details"):
        return Response(204, None)
    urls = {"run_url": f"{call.root}/repos/{call.repository}/actions/runs/{number}"}
    urls["html_url"] = f"{call.root}/html/{call.repository}/actions/runs/{number}"
    return Response(200, {"workflow_run_id": number, **urls})


def list_artifacts(state: State, call: Call) -> Response:
    return _artifacts(call, [a for a in state.artifacts if str(a["run_id"]) == call.path["run_id"]])


def list_repository_artifacts(state: State, call: Call) -> Response:
    return _artifacts(call, [a for a in state.artifacts if a["repository"] == call.repository])


def _artifacts(call: Call, stored: list[Json]) -> Response:
    """List artifacts, newest first."""
    artifacts = [a for a in stored if call.query.get("name") in (None, a["name"])]
    artifacts.sort(key=lambda a: (a["created_at"], a["id"]), reverse=True)
    objects = [shapes.artifact(call.root, a) for a in artifacts]
    return Response(200, {"total_count": len(objects), "artifacts": objects})


def download_artifact(state: State, call: Call) -> Response:
    artifact = next((a for a in state.artifacts if str(a["id"]) == call.path["artifact_id"]), None)
    if artifact is None:
        return NOT_FOUND
    if artifact["expired"]:
        return error_response(410, "Artifact has expired")
    return Response(302, None, (("Location", artifact["location"] or f"{call.root}/_zip/{artifact['id']}"),))
