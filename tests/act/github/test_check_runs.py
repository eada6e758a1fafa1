"""The check run of a verdict: one per run and attempt, and never an older one after a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops.act.github.check_runs import upsert_check_run
from ghmlops.core.errors import PermissionMissing
from ghmlops.core.steps.check_run import Annotation, CheckRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.clients.github.client import Client
    from github_api.server import Api

HEAD = "a" * 40
CHECK = CheckRun(
    name="ghmlops/shop", head_sha=HEAD, run_id=42, attempt=1, conclusion="failure", title="fail: p99", summary="# p99"
)


def external_ids(api: Api) -> list[str]:
    """Return the ids of the check runs in the order of their creation."""
    return [c["external_id"] for c in api.state.check_runs]


def test_one_check_run_per_attempt(api: Api, client: Client) -> None:
    """The first call creates the check run, a repetition edits it, and another attempt has its own."""
    passed = msgspec.structs.replace(CHECK, conclusion="success")
    states = [upsert_check_run(client, check).state for check in (CHECK, passed)]
    again = upsert_check_run(client, msgspec.structs.replace(CHECK, attempt=2))
    assert (states, again.state) == (["created", "edited"], "created")
    assert external_ids(api) == ["ghmlops:42:1", "ghmlops:42:2"]
    assert [c["conclusion"] for c in api.state.check_runs] == ["success", "failure"]
    assert api.state.check_runs[0]["output"] == {"title": "fail: p99", "summary": "# p99"}


@pytest.mark.parametrize(("run_id", "attempt"), [(41, 9), (42, 1)])
def test_older_run_writes_nothing(api: Api, client: Client, run_id: int, attempt: int) -> None:
    """(run id, attempt) decides which check run stands."""
    upsert_check_run(client, msgspec.structs.replace(CHECK, attempt=2))
    older = msgspec.structs.replace(CHECK, run_id=run_id, attempt=attempt)
    assert upsert_check_run(client, older).state == "superseded"
    assert external_ids(api) == ["ghmlops:42:2"]


def test_check_run_is_created_once_if_the_response_is_lost(api: Api, client: Client) -> None:
    """A check run that was created before the connection broke is found, although the list lags."""
    api.seed(lag=2, faults=[{"kind": "lost-answer", "method": "POST", "path": "/check-runs$"}])
    assert upsert_check_run(client, CHECK).state == "created"
    assert external_ids(api) == ["ghmlops:42:1"]


def test_missing_permission_is_named(client_for: Callable[[str], Client], api: Api) -> None:
    """The error for an insufficient token names the permission."""
    api.seed(tokens={"weak": {"permissions": {"checks": "read"}}})
    with pytest.raises(PermissionMissing, match="`checks: write`"):
        upsert_check_run(client_for("weak"), CHECK)


def annotated(number: int) -> CheckRun:
    """Return a check run with as many annotations, each with another message."""
    annotations = (Annotation(".github/ghmlops.yml", 7, "failure", "p99: fail", f"{i}") for i in range(number))
    return msgspec.structs.replace(CHECK, annotations=tuple(annotations))


def messages(api: Api) -> list[str]:
    """Return the messages of the only check run, in their order."""
    (check,) = api.state.check_runs
    return [annotation["message"] for annotation in check["output"].get("annotations", ())]


@pytest.mark.parametrize("number", [0, 1, 50, 51, 120])
def test_annotations_in_pages_of_50(api: Api, client: Client, number: int) -> None:
    """GitHub takes 50 annotations per request and appends those of the next; a repetition adds none."""
    for state in ("created", "edited"):
        assert upsert_check_run(client, annotated(number)).state == state
        assert messages(api) == [str(i) for i in range(number)]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_annotations_are_there_once_if_a_response_is_lost(api: Api, client: Client, method: str) -> None:
    """What was appended before the connection broke is not appended again."""
    api.seed(lag=1, faults=[{"kind": "lost-answer", "method": method, "path": "/check-runs"}])
    upsert_check_run(client, annotated(120))
    assert messages(api) == [str(i) for i in range(120)]


def test_annotations_of_a_killed_run_are_completed(api: Api, client: Client) -> None:
    """A run that was killed after its first page goes on after it."""
    upsert_check_run(client, annotated(50))
    upsert_check_run(client, annotated(120))
    assert messages(api) == [str(i) for i in range(120)]
