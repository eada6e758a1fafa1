"""What the local GitHub API remembers, how it is seeded, and who may do what."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
WRITE_ALL = dict.fromkeys(
    ("actions", "checks", "contents", "deployments", "issues", "pull_requests", "statuses"), "write"
)
DEFAULT_TOKEN = "t"
_FAULT_KINDS = ("status", "lost-answer", "refused")


class State:
    """All of it: plain lists and dicts, so that it can be dumped as JSON."""

    def __init__(self) -> None:
        self.repositories: dict[str, Json] = {}
        self.tokens: dict[str, Json] = {}
        self.pull_requests: list[Json] = []
        self.comments: list[Json] = []
        self.deployments: list[Json] = []
        self.deployment_statuses: list[Json] = []
        self.statuses: list[Json] = []
        self.runs: list[Json] = []
        self.artifacts: list[Json] = []
        self.faults: list[Json] = []
        self.requests: list[Json] = []
        self.violations: list[str] = []
        self._last_id = 100
        self.seed({"tokens": {DEFAULT_TOKEN: {}}})

    def next_id(self) -> int:
        """Return a number that was not used before."""
        self._last_id += 1
        return self._last_id

    def dump(self) -> Json:
        """Return everything but the tokens and the artifacts' bytes."""
        artifacts = [{k: v for k, v in a.items() if k != "zip"} for a in self.artifacts]
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_") and k != "tokens"}
        deployments = [
            {**d, "statuses": [s for s in self.deployment_statuses if s["deployment"] == d["id"]]}
            for d in self.deployments
        ]
        return {**shown, "deployments": deployments, "artifacts": artifacts}

    def seed(self, given: Json) -> None:
        """Add what the module docstring of `github_api.server` describes.

        Raises:
            KeyError, ValueError, TypeError: a part is not described there.
        """
        rows: dict[str, Callable[..., None]] = {
            "pull_requests": self._pull_request,
            "comments": self._comment,
            "deployments": self._deployment,
            "runs": self._run,
            "artifacts": self._artifact,
            "faults": self._fault,
        }
        for key in given:
            if key not in (*rows, "repositories", "tokens"):
                raise ValueError(f"seed: {key} is not known")
        for name, repository in given.get("repositories", {}).items():
            self._repository(name, repository)
        for token, about in given.get("tokens", {}).items():
            self._token(token, about)
        for key, add in rows.items():
            for row in given.get(key, []):
                add(**row)

    def _repository(self, name: str, about: Json) -> None:
        defaults: Json = {"default_branch": "main", "private": False, "commits": None, "refs": {}, "rules": {}}
        self.repositories[name] = _filled(defaults, about)

    def _token(self, token: str, about: Json) -> None:
        defaults: Json = {"login": "github-actions[bot]", "kind": "installation", "permissions": WRITE_ALL}
        self.tokens[token] = _filled(defaults, about)

    def _pull_request(self, *, number: int, head_sha: str, repository: str = "", **about: Any) -> None:
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
        same = [p for p in self.pull_requests if (p["repository"], p["number"]) == (name, number)]
        others = [p for p in self.pull_requests if p not in same]
        old = [sha for p in same for sha in (*p["old_heads"], p["head_sha"])]
        self.pull_requests = [*others, {**_filled(defaults, about), **fixed, "old_heads": old}]

    def _comment(self, *, issue: int, body: str, login: str = "octocat", type: str = "User") -> None:
        self.comments.append(
            self.stamped(
                repository=self.only_repository(), issue=issue, body=body, login=login, type=type, updated_at=now()
            )
        )

    def _deployment(self, *, sha: str, **about: Any) -> None:
        defaults: Json = {
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
        self.deployments.append(self.stamped(sha=sha, **_filled(defaults, about)))

    def _run(self, *, id: int, head_sha: str, **about: Any) -> None:
        defaults: Json = {
            "repository": self.only_repository(),
            "head_repository": self.only_repository(),
            "head_branch": "change",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "run_attempt": 1,
            "created_at": now(),
        }
        self.runs.append({"id": id, "head_sha": head_sha, **_filled(defaults, about)})

    def _artifact(self, *, run_id: int, name: str, zip_base64: str, **about: Any) -> None:
        defaults: Json = {"expired": False, "digest": None, "created_at": now(), "size_in_bytes": None, "location": ""}
        given = _filled(defaults, about)
        content = base64.b64decode(zip_base64, validate=True)
        run = next(r for r in self.runs if r["id"] == run_id)
        self.artifacts.append(
            self.stamped(
                **{
                    **given,
                    "run_id": run_id,
                    "name": name,
                    "zip": content,
                    "size_in_bytes": len(content) if given["size_in_bytes"] is None else given["size_in_bytes"],
                    "repository": run["repository"],
                    "head_sha": run["head_sha"],
                    "head_branch": run["head_branch"],
                }
            )
        )

    def _fault(self, *, kind: str, **about: Any) -> None:
        if kind not in _FAULT_KINDS:
            raise ValueError(f"seed: fault kind {kind} is not one of {_FAULT_KINDS}")
        defaults: Json = {"method": "", "path": "", "status": 502, "message": "", "headers": {}, "times": 1, "skip": 0}
        fault = _filled(defaults, about)
        re.compile(fault["path"])
        self.faults.append({"kind": kind, **fault})

    def take_fault(self, method: str, path: str) -> Json | None:
        """Return the first fault waiting for this request, and use it up once."""
        for fault in self.faults:
            if fault["times"] > 0 and fault["method"] in ("", method) and re.search(fault["path"], path):
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                return fault
        return None

    def stamped(self, **row: Any) -> Json:
        """Return a row with an id and a time."""
        return {"id": self.next_id(), "created_at": now(), **row}

    def only_repository(self) -> str:
        """Return the one seeded repository."""
        (name,) = self.repositories
        return name

    def knows_commit(self, repository: str, sha: str) -> bool:
        """True where the repository has no list of commits, or holds this one."""
        listed = self.repositories[repository]["commits"]
        heads = [p["head_sha"] for p in self.pull_requests if p["repository"] == repository]
        return listed is None or sha in (*listed, *heads)


def allowed(token: Json, needs: tuple[str, ...], *, private: bool) -> bool:
    """True where the token has one of the permissions `name:read` or `name:write`; a public repository is readable."""
    if not needs:
        return True
    granted = token["permissions"]
    for need in needs:
        name, _, level = need.partition(":")
        if granted.get(name) == "write" or (level == "read" and (not private or granted.get(name) == "read")):
            return True
    return False


def now() -> str:
    """Return the time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _filled(defaults: Json, about: Json) -> Json:
    for key in about:
        if key not in defaults:
            raise ValueError(f"seed: field {key} is not known; known are {sorted(defaults)}")
    return {**defaults, **about}
