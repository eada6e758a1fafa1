"""A double of actions/upload-artifact and actions/download-artifact: speaks the v4 protocol to the runner's server.

The real actions are JavaScript, which the tests cannot download without github.com. The double has the behaviour that
the suite relies on: a name can be used once (409), hidden files are omitted, a pattern without a match downloads
nothing, and another run requires a token.
"""

from __future__ import annotations

import base64
import fnmatch
import http.client
import io
import json
import os
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

SERVICE = "twirp/github.actions.results.api.v1.ArtifactService/"


def main() -> None:
    """Run `upload` or `download` with inputs from the environment."""
    {"upload": upload, "download": download}[sys.argv[1]]()


def upload() -> None:
    """Zip the files and store them under a name of this run."""
    path, name = Path(os.environ["IN_PATH"]), os.environ["IN_NAME"]
    if not 0 <= int(os.environ["IN_RETENTION_DAYS"]) <= 90:  # 0: the default; more needs a setting of the repository
        sys.exit("::error::Invalid retention-days")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    base = path.parent if path.is_file() else path
    files = [p for p in files if not any(part.startswith(".") for part in p.relative_to(base).parts)]
    if not files:
        message = f"No files were found with the provided path: {path}."
        if os.environ["IN_IF_NO_FILES_FOUND"] == "error":
            sys.exit(f"::error::{message}")
        print(f"::warning::{message}")
        return
    if name in artifact_names(own_run()):
        sys.exit(f"::error::(409) Conflict: an artifact with the name {name} already exists on the workflow run")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in files:
            archive.write(file, file.relative_to(base))
    ids = identity(own_run())
    url = call("CreateArtifact", {**ids, "name": name, "version": 4})["signedUploadUrl"]
    send("PUT", f"{url}&comp=block", packed.getvalue())
    call("FinalizeArtifact", {**ids, "name": name, "size": str(len(packed.getvalue()))})
    if os.environ.get("E2E_API"):
        artifact = {"run_id": int(own_run()), "name": name, "zip_base64": base64.b64encode(packed.getvalue()).decode()}
        send("POST", f"{os.environ['E2E_API']}/_seed", json.dumps({"artifacts": [artifact]}).encode())
    print(f"Artifact {name} has been uploaded: {', '.join(p.name for p in files)}")


def download() -> None:
    """Unpack the artifact of a name, or all that match a pattern, of this or of another run."""
    run = os.environ["IN_RUN_ID"] or own_run()
    if run != own_run() and not os.environ["IN_TOKEN"]:
        sys.exit("::error::another run needs a token")
    name, pattern, target = os.environ["IN_NAME"], os.environ["IN_PATTERN"], Path(os.environ["IN_PATH"])
    names = [n for n in artifact_names(run) if n == name or (pattern and fnmatch.fnmatchcase(n, pattern))]
    if name and not names:
        sys.exit(f"::error::Unable to download artifact: {name} not found")
    for artifact in names:
        url = call("GetSignedArtifactURL", {**identity(run), "name": artifact})["signedUrl"]
        flat = bool(name) or os.environ["IN_MERGE_MULTIPLE"] == "true"
        with zipfile.ZipFile(io.BytesIO(send("GET", url))) as archive:
            archive.extractall(target if flat else target / artifact)
        print(f"Artifact {artifact} of run {run} has been downloaded")
    print(f"Total of {len(names)} artifact(s) downloaded")


def own_run() -> str:
    """Return the id of this run."""
    return os.environ["GITHUB_RUN_ID"]


def identity(run: str) -> dict[str, str]:
    """Return the two ids that the service requires, from the scope of the token."""
    payload = os.environ["ACTIONS_RUNTIME_TOKEN"].split(".")[1]
    scope = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["scp"]
    _, _, job = scope.removeprefix("Actions.Results").split(":")
    return {"workflowRunBackendId": run, "workflowJobRunBackendId": job if run == own_run() else run}


def artifact_names(run: str) -> list[str]:
    """Return the names of the artifacts of a run."""
    try:
        answer = call("ListArtifacts", identity(run))
    except http.client.RemoteDisconnected:  # the runner's server does this if the run has no artifacts
        return []
    return sorted(a["name"] for a in answer.get("artifacts", []))


def call(method: str, body: dict[str, Any]) -> dict[str, Any]:
    """Call the service and return its answer."""
    answer = send("POST", os.environ["ACTIONS_RESULTS_URL"] + SERVICE + method, json.dumps(body).encode())
    content: dict[str, Any] = json.loads(answer)
    return content


def send(method: str, url: str, data: bytes | None = None) -> bytes:
    """Send one request with the runner's token."""
    headers = {"Authorization": f"Bearer {os.environ['ACTIONS_RUNTIME_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  (the runner's own address)
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content


if __name__ == "__main__":
    main()
