"""The state of the local GitHub API, its seeds, and the permissions of tokens."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from github_api import objects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json = dict[str, Any]
WRITE_ALL = dict.fromkeys(
    ("actions", "checks", "contents", "deployments", "issues", "pull_requests", "statuses"), "write"
)
DEFAULT_TOKEN = "t"
_NOT_DUMPED = ("tokens", "hidden", "objects", "signed")
_FAULT_KINDS = ("status", "errors", "lost-answer", "refused", "truncated", "silent")


class State:
    """The complete state, in plain lists and dicts, so that it can be dumped as JSON."""

    def __init__(self) -> None:
        self.repositories: dict[str, Json] = {}
        self.tokens: dict[str, Json] = {}
        self.pull_requests: list[Json] = []
        self.comments: list[Json] = []
        self.reactions: list[Json] = []
        self.deployments: list[Json] = []
        self.deployment_statuses: list[Json] = []
        self.statuses: list[Json] = []
        self.runs: list[Json] = []
        self.artifacts: list[Json] = []
        self.caches: list[Json] = []
        self.check_runs: list[Json] = []
        self.issues: list[Json] = []
        self.lag = 0
        """How many reads of a list do not contain a row that was just created."""
        self.hidden: dict[int, int] = {}
        """Ids of such rows, and for how many reads they stay hidden."""
        self.objects: dict[str, tuple[str, bytes]] = {}
        """Git objects by id: kind and content."""
        self.signed: set[str] = set()
        """Commits that GitHub signed."""
        self.faults: list[Json] = []
        self.requests: list[Json] = []
        self.violations: list[str] = []
        self._last_id = 100
        self.seed({"tokens": {DEFAULT_TOKEN: {}}})

    def next_id(self) -> int:
        """Return an unused id."""
        self._last_id += 1
        return self._last_id

    def dump(self) -> Json:
        """Return the state without the tokens and the bytes of the artifacts."""
        artifacts = [{k: v for k, v in a.items() if k != "zip"} for a in self.artifacts]
        fields = {k: v for k, v in vars(self).items() if not k.startswith("_") and k not in _NOT_DUMPED}
        deployments = [
            {**d, "statuses": [s for s in self.deployment_statuses if s["deployment"] == d["id"]]}
            for d in self.deployments
        ]
        return {**fields, "deployments": deployments, "artifacts": artifacts}

    def seed(self, seed: Json) -> None:
        """Add rows in the form that the module docstring of `github_api.server` describes.

        Raises:
            KeyError, ValueError, TypeError: A row has another form.
        """
        adders: dict[str, Callable[..., None]] = {
            "pull_requests": self._pull_request,
            "comments": self._comment,
            "deployments": self._deployment,
            "runs": self._run,
            "artifacts": self._artifact,
            "caches": self._cache,
            "check_runs": self._check_run,
            "issues": self._issue,
            "faults": self._fault,
        }
        for key in seed:
            if key not in (*adders, "repositories", "tokens", "lag"):
                raise ValueError(f"seed: {key} is not known")
        self.lag = int(seed.get("lag", self.lag))
        for name, fields in seed.get("repositories", {}).items():
            self._repository(name, fields)
        for token, fields in seed.get("tokens", {}).items():
            self._token(token, fields)
        for key, add in adders.items():
            for row in seed.get(key, []):
                add(**row)

    def _repository(self, name: str, fields: Json) -> None:
        defaults: Json = {
            "default_branch": "main",
            "private": False,
            "commits": None,
            "refs": {},
            "rules": {},
            "roles": {},
            "teams": {},
            "events": [],
            "merge_bases": {},
            "changed_files": {},
            "contents": {},
            "activity": [],
            "former_names": [],
            "git_dir": "",
            "files": {},
        }
        row = self.repositories[name] = _with_defaults(defaults, fields)
        if row["files"]:
            objects.seed_branch(self, name, row["files"], row["default_branch"])

    def refs(self, repository: str) -> dict[str, str]:
        """Return the references without `refs/`: the seeded ones, and those that were pushed to the git folder."""
        row = self.repositories[repository]
        refs: dict[str, str] = dict(row["refs"])
        if row["git_dir"]:
            command = ["git", f"--git-dir={row['git_dir']}", "for-each-ref", "--format=%(refname) %(objectname)"]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
            refs |= {name.removeprefix("refs/"): sha for name, _, sha in (line.partition(" ") for line in lines)}
        return refs

    def current_path(self, path: str) -> tuple[str, int | None]:
        """Return a path with the current name of its repository, and the id of a repository that was renamed.

        GitHub redirects from a former name to the address with the id.
        """
        parts = path.split("/")
        for name in self.repositories if parts[1:2] == ["repositories"] and len(parts) > 2 else ():
            if parts[2] == str(repository_id(name)):
                return "/".join(["", "repos", name, *parts[3:]]), None
        for name, row in self.repositories.items():
            if parts[1:2] == ["repos"] and "/".join(parts[2:4]) in row["former_names"]:
                return "/".join(["", "repositories", str(repository_id(name)), *parts[4:]]), repository_id(name)
        return path, None

    def hide(self, body: object) -> None:
        """Hide a row that was just created from the next reads of lists, if lists lag."""
        if self.lag and isinstance(body, dict) and isinstance(body.get("id"), int):
            self.hidden[body["id"]] = self.lag

    def visible(self, rows: list[Json]) -> list[Json]:
        """Return the rows of a list that are not hidden, and count the read of those that are."""
        hidden = {row["id"] for row in rows if self.hidden.get(row.get("id", 0), 0) > 0}
        for key in hidden:
            self.hidden[key] -= 1
        return [row for row in rows if row.get("id") not in hidden]

    def _token(self, token: str, fields: Json) -> None:
        defaults: Json = {"login": "github-actions[bot]", "kind": "installation", "permissions": WRITE_ALL}
        self.tokens[token] = _with_defaults(defaults, fields)

    def _pull_request(self, *, number: int, head_sha: str, repository: str = "", **fields: Any) -> None:
        name = repository or self.only_repository()
        defaults: Json = {
            "head_ref": f"change-{number}",
            "head_repository": name,
            "base_ref": "main",
            "base_sha": "b" * 40,
            "state": "open",
            "title": f"Change {number}",
            "body": None,
            "login": "octocat",
            "type": "User",
            "merge_commit_sha": None,
            "messages": [f"Change {number}"],
            "created_at": now(),
        }
        fixed = {"number": number, "head_sha": head_sha, "repository": name}
        replaced = [p for p in self.pull_requests if (p["repository"], p["number"]) == (name, number)]
        others = [p for p in self.pull_requests if p not in replaced]
        old_heads = [sha for p in replaced for sha in (*p["old_heads"], p["head_sha"])]
        self.pull_requests = [*others, {**_with_defaults(defaults, fields), **fixed, "old_heads": old_heads}]

    def _comment(self, *, issue: int, body: str, login: str = "octocat", type: str = "User") -> None:
        self.comments.append(
            self.stamped(
                repository=self.only_repository(), issue=issue, body=body, login=login, type=type, updated_at=now()
            )
        )

    def _deployment(self, *, sha: str, statuses: Sequence[Json] = (), **fields: Any) -> None:
        defaults: Json = {
            "created_at": now(),
            "ref": sha,
            "task": "deploy",
            "payload": {},
            "environment": "production",
            "description": None,
            "transient_environment": False,
            "production_environment": True,
            "login": "octocat",
            "type": "User",
            "repository": self.only_repository(),
        }
        row = _with_defaults(defaults, fields)
        self.deployments.append({**self.stamped(sha=sha), **row})
        for status in statuses:
            self.add_deployment_status(self.deployments[-1], status, {"login": row["login"], "type": row["type"]})

    def add_deployment_status(self, deployment: Json, body: Json, author: Json) -> Json:
        """Add a status with the fields of a request, and return it."""
        link = body.get("log_url") or body.get("target_url", "")
        status = self.stamped(
            repository=deployment["repository"],
            deployment=deployment["id"],
            state=body["state"],
            description=body.get("description", ""),
            environment=body.get("environment", deployment["environment"]),
            environment_url=body.get("environment_url", ""),
            log_url=link,
            target_url=body.get("target_url") or link,
            **author,
        )
        self.deployment_statuses.append(status)
        return status

    def _run(self, *, id: int, head_sha: str, **fields: Any) -> None:
        defaults: Json = {
            "repository": self.only_repository(),
            "head_repository": self.only_repository(),
            "head_branch": "change",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "run_attempt": 1,
            "created_at": now(),
            "path": ".github/workflows/ci.yml",
            "triggering_actor": "",
            "attempts": {},
            "inputs": {},
            "display_title": "run",
        }
        self.runs.append({"id": id, "head_sha": head_sha, **_with_defaults(defaults, fields)})

    def _artifact(self, *, run_id: int, name: str, zip_base64: str, **fields: Any) -> None:
        content = base64.b64decode(zip_base64, validate=True)
        defaults: Json = {
            "expired": False,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "created_at": now(),
            "size_in_bytes": None,
            "location": "",
            "attempt": 1,
        }
        fields = _with_defaults(defaults, fields)
        key = (run_id, fields["attempt"], name)
        if any((a["run_id"], a["attempt"], a["name"]) == key for a in self.artifacts):
            raise ValueError(f"seed: attempt {fields['attempt']} of run {run_id} has an artifact {name} already")
        run = next(r for r in self.runs if r["id"] == run_id)
        self.artifacts.append(
            self.stamped(
                **{
                    **fields,
                    "run_id": run_id,
                    "name": name,
                    "zip": content,
                    "size_in_bytes": len(content) if fields["size_in_bytes"] is None else fields["size_in_bytes"],
                    "repository": run["repository"],
                    "head_sha": run["head_sha"],
                    "head_branch": run["head_branch"],
                }
            )
        )

    def _cache(self, *, key: str, ref: str) -> None:
        self.caches.append({"key": key, "ref": ref, "created_at": now()})

    def _fault(self, *, kind: str, **fields: Any) -> None:
        if kind not in _FAULT_KINDS:
            raise ValueError(f"seed: fault kind {kind} is not one of {_FAULT_KINDS}")
        defaults: Json = {
            "method": "",
            "path": "",
            "status": 502,
            "message": "",
            "headers": {},
            "times": 1,
            "skip": 0,
            "seconds": 60.0,
            "errors": [],
            "performed": kind in ("lost-answer", "truncated", "silent"),
        }
        fault = _with_defaults(defaults, fields)
        re.compile(fault["path"])
        self.faults.append({"kind": kind, **fault})

    def take_fault(self, method: str, path: str) -> Json | None:
        """Return the first fault for this request, and count its use."""
        for fault in self.faults:
            if fault["times"] > 0 and fault["method"] in ("", method) and re.search(fault["path"], path):
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                return fault
        return None

    def _issue(self, *, title: str, body: str, **fields: Any) -> None:
        defaults: Json = {"login": "octocat", "type": "User", "repository": self.only_repository(), "edits": 0}
        self.issues.append(self.stamped(title=title, body=body, **_with_defaults(defaults, fields)))

    def _check_run(self, *, name: str, head_sha: str, **fields: Any) -> None:
        defaults: Json = {
            "repository": self.only_repository(),
            "external_id": "",
            "details_url": "",
            "status": "completed",
            "conclusion": "success",
            "output": {},
        }
        self.check_runs.append(self.stamped(name=name, head_sha=head_sha, **_with_defaults(defaults, fields)))

    def stamped(self, **row: Any) -> Json:
        """Return a row with an id and a creation time."""
        return {"id": self.next_id(), "created_at": now(), **row}

    def only_repository(self) -> str:
        """Return the name of the only repository."""
        (name,) = self.repositories
        return name

    def knows_commit(self, repository: str, sha: str) -> bool:
        """Return whether a commit exists; without a list of commits, every SHA exists."""
        listed = self.repositories[repository]["commits"]
        heads = [p["head_sha"] for p in self.pull_requests if p["repository"] == repository]
        return listed is None or sha in (*listed, *heads)


def repository_id(name: str) -> int:
    """Return the id of a repository."""
    return sum(map(ord, name))


def allowed(token: Json, permissions: tuple[str, ...], *, private: bool) -> bool:
    """Return whether the token has one of the permissions `name:read` or `name:write`; public data is readable."""
    if not permissions:
        return True
    granted = token["permissions"]
    for permission in permissions:
        name, _, level = permission.partition(":")
        if granted.get(name) == "write" or (level == "read" and (not private or granted.get(name) == "read")):
            return True
    return False


def now() -> str:
    """Return the present time in the format of GitHub."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with_defaults(defaults: Json, fields: Json) -> Json:
    for key in fields:
        if key not in defaults:
            raise ValueError(f"seed: field {key} is not known; known are {sorted(defaults)}")
    return {**defaults, **fields}
