"""The check run of a verdict: one per run and attempt, and never an older one after a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.act.github.check_runs import upsert_check_run
from ghmlops.core.errors import GitHubError, PermissionMissing
from ghmlops.core.steps.check_run import Annotation, CheckRun
from github_api import shapes

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


def refused(method: str, skip: int = 0, status: int = 422) -> dict[str, object]:
    """Return a fault of requests that write a check run; the first `skip` of them succeed."""
    times = 1 if status == 422 else 99
    return {"kind": "status", "status": status, "method": method, "path": "/check-runs", "skip": skip, "times": times}


@pytest.mark.parametrize("status", [422, 500])
@pytest.mark.parametrize("pages", [1, 2])
def test_a_page_of_annotations_that_fails(api: Api, client: Client, pages: int, status: int) -> None:
    """The error is raised; the conclusion stands, and the check run says itself how much of it is missing."""
    api.seed(faults=[refused("PATCH", pages - 1, status)])
    with pytest.raises(GitHubError):
        upsert_check_run(client, annotated(120))
    (check,) = api.state.check_runs
    assert (check["status"], check["conclusion"]) == ("completed", "failure")
    assert messages(api) == [str(i) for i in range(50 * pages)]
    assert f"{50 * pages} of 120" in check["output"]["summary"]
    assert check["output"]["summary"].endswith(CHECK.summary)

    api.state.faults.clear()
    assert upsert_check_run(client, annotated(120)).state == "edited"
    assert messages(api) == [str(i) for i in range(120)]
    assert api.state.check_runs[0]["output"]["summary"] == CHECK.summary


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_annotation_that_github_refuses(api: Api, client: Client, method: str) -> None:
    """The conclusion is written without it, also over that of an earlier call, and the error is raised."""
    if method == "PATCH":
        upsert_check_run(client, msgspec.structs.replace(CHECK, conclusion="success"))
    api.seed(faults=[refused(method)])
    with pytest.raises(GitHubError) as raised:
        upsert_check_run(client, annotated(3))
    assert raised.value.reason_code == "github-refused"
    (check,) = api.state.check_runs
    assert (check["conclusion"], messages(api)) == ("failure", [])
    assert "0 of 3" in check["output"]["summary"]


def test_annotations_that_github_does_not_count(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """GitHub accepts a page and shows nothing of it: no request is repeated for ever, and the check run says so."""
    complete = shapes.check_run

    def forgetful(root: str, row: dict[str, Any]) -> dict[str, Any]:
        shape = complete(root, row)
        shape["output"]["annotations_count"] = min(shape["output"]["annotations_count"], 50)
        return shape

    monkeypatch.setattr(shapes, "check_run", forgetful)
    assert upsert_check_run(client, annotated(120)).missing == 70
    (check,) = api.state.check_runs
    assert (check["conclusion"], len(api.state.requests)) == ("failure", 4)
    assert "50 of 120" in check["output"]["summary"]
