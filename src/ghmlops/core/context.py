"""Context of a run, read from the runner's variables and the event payload, which are both untrusted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_COUNT = re.compile(r"[0-9]{1,18}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")

_WORKFLOW_REF = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+/(\.github/workflows/[^@\s]{1,200})@\S+")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Context of one run. Unknown fields are empty; for a local run, git provides `head_sha` and `repository`."""

    in_actions: bool = False
    repository: str = ""
    head_sha: str = ""
    """The commit under test: for pull requests the head of the branch, never GitHub's merge commit."""
    base_sha: str = ""
    event_name: str = ""
    event: dict[str, Any] = {}
    event_path: str = ""
    pull_request: int | None = None
    ref_name: str = ""
    workflow: str = ""
    workflow_path: str = ""
    """Path of the workflow file in the repository."""
    job: str = ""
    actor: str = ""
    triggering_actor: str = ""
    """The person who started this attempt; differs from `actor` if another person ran the workflow again."""
    run_id: str = ""
    run_attempt: int = 1
    server_url: str = ""
    api_url: str = ""
    output_file: str = ""
    summary_file: str = ""
    temp: str = ""

    @property
    def run_url(self) -> str:
        """Address of the run on GitHub; empty if unknown."""
        complete = self.server_url and self.repository and self.run_id
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}" if complete else ""


def is_sha(value: object) -> bool:
    """Return whether `value` is a full git object id in lower-case hexadecimal."""
    return isinstance(value, str) and _SHA.fullmatch(value) is not None


def is_repository(value: object) -> bool:
    """Return whether `value` has the form `owner/name`."""
    return isinstance(value, str) and _REPOSITORY.fullmatch(value) is not None


def dig(value: object, *keys: str) -> Any:  # noqa: ANN401  (a JSON value)
    """Return the value at the path `keys` in nested objects; `None` if a key is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def read_context(env: Mapping[str, str], event: dict[str, Any]) -> Context:
    """Build the context from the runner's variables and the parsed event payload.

    A malformed variable is treated as absent; the command that needs it reports that.
    """
    event_name = env.get("GITHUB_EVENT_NAME", "")
    return Context(
        in_actions=env.get("GITHUB_ACTIONS") == "true",
        repository=repo if is_repository(repo := env.get("GITHUB_REPOSITORY", "")) else "",
        head_sha=_head(env, event_name, event),
        base_sha=_base(event),
        event_name=event_name,
        event=event,
        event_path=env.get("GITHUB_EVENT_PATH", ""),
        pull_request=_number(dig(event, "pull_request", "number")),
        ref_name=env.get("GITHUB_REF_NAME", ""),
        workflow=env.get("GITHUB_WORKFLOW", ""),
        workflow_path=_workflow_path(env.get("GITHUB_WORKFLOW_REF", "")),
        job=env.get("GITHUB_JOB", ""),
        actor=env.get("GITHUB_ACTOR", ""),
        triggering_actor=env.get("GITHUB_TRIGGERING_ACTOR", ""),
        run_id=run if _COUNT.fullmatch(run := env.get("GITHUB_RUN_ID", "")) else "",
        run_attempt=int(attempt) if _COUNT.fullmatch(attempt := env.get("GITHUB_RUN_ATTEMPT", "")) else 1,
        server_url=env.get("GITHUB_SERVER_URL", "").rstrip("/"),
        api_url=env.get("GITHUB_API_URL", "").rstrip("/"),
        output_file=env.get("GITHUB_OUTPUT", ""),
        summary_file=env.get("GITHUB_STEP_SUMMARY", ""),
        temp=env.get("RUNNER_TEMP", ""),
    )


def _head(env: Mapping[str, str], event_name: str, event: dict[str, Any]) -> str:
    for candidate in (
        dig(event, "pull_request", "head", "sha"),
        dig(event, "workflow_run", "head_sha") if event_name == "workflow_run" else None,
        env.get("GITHUB_SHA", ""),
    ):
        if is_sha(candidate):
            return str(candidate)
    return ""


def _base(event: dict[str, Any]) -> str:
    merge_queue = dig(event, "merge_group", "base_sha")
    for candidate in (dig(event, "pull_request", "base", "sha"), merge_queue, dig(event, "before")):
        if is_sha(candidate) and set(candidate) != {"0"}:
            return str(candidate)
    return ""


def _workflow_path(reference: str) -> str:
    """Return `.github/workflows/ci.yml` of `owner/name/.github/workflows/ci.yml@refs/heads/main`; otherwise empty."""
    match = _WORKFLOW_REF.fullmatch(reference)
    return match[1] if match else ""


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
