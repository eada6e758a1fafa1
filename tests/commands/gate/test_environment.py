"""Whether an environment is open for a commit: quarantine, and the order of environments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from ghmlops.core.steps.recorded import service_mark
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

COMMIT, OTHER = "a" * 40, "b" * 40
MERGED = {"number": 5, "head_sha": COMMIT, "state": "closed", "merge_commit_sha": COMMIT}
FLAGS = ["gate", "--token", "t"]


def deployed(
    api: Api, *states: str, commit: str = COMMIT, environment: str = "production", service: str = "shop"
) -> int:
    """Add a deployment of a service with these states, oldest first; return its id."""
    payload = {"ghmlops": {"run_id": "41", "service": service}}
    rows = [{"state": state, "description": f"{state} at night"} for state in states]
    api.seed(deployments=[{"sha": commit, "environment": environment, "payload": payload, "statuses": rows}])
    number: int = api.state.deployments[-1]["id"]
    return number


def newest_states(api: Api) -> list[str]:
    """Return the states of the newest deployment."""
    number = api.state.deployments[-1]["id"]
    return [s["state"] for s in api.state.deployment_statuses if s["deployment"] == number]


FAILED: list[tuple[dict[str, Any], tuple[str, ...], int]] = [
    ({}, ("queued", "failure"), 1),
    ({}, ("failure",), 1),
    ({}, ("queued", "in_progress", "error"), 0),
    ({}, ("success", "inactive"), 0),
    ({"commit": OTHER}, ("failure",), 0),
    ({"environment": "staging"}, ("failure",), 0),
    ({"service": "search"}, ("failure",), 0),
]


@pytest.mark.parametrize(("fields", "states", "code"), FAILED)
def test_a_commit_that_failed_here_is_in_quarantine(
    here: Path, api: Api, measured: Callable[..., Evidence], fields: dict[str, Any], states: tuple[str, ...], code: int
) -> None:
    """Only for its own service and environment; an unknown end of a deployment is no failure of the commit."""
    number = deployed(api, *states, **fields)
    measured()
    assert main(FLAGS) == code
    verdict = read_verdict(here / "verdict.json")
    rows = [finding for finding in verdict.findings if finding.id == "commit-quarantined"]
    assert len(rows) == code
    assert newest_states(api) == (["pending"] if code else ["queued"])
    assert all(str(number) in finding.reason for finding in rows)


def test_the_end_of_a_job_on_hold_makes_no_quarantine(api: Api, measured: Callable[..., Evidence], here: Path) -> None:
    """A deployment of a job's `environment:` that was held becomes a failure when the job ends; it stays a hold."""
    mark = service_mark("shop")
    rows = [{"state": "pending", "description": f"hold: inconclusive: x {mark}"}, {"state": "failure"}]
    api.seed(deployments=[{"sha": COMMIT, "payload": "", "statuses": rows}])
    measured()
    assert main(FLAGS) == 0
    api.state.deployment_statuses.clear()
    api.state.deployments.clear()
    rows = [{"state": "failure", "description": f"fail: x {mark}"}, {"state": "failure"}]
    api.seed(deployments=[{"sha": COMMIT, "payload": "", "statuses": rows}])
    assert main(FLAGS) == 1
    assert read_verdict(here / "verdict.json").reason_code == "commit-quarantined"


ORDERS = [
    # policy, states of the commit in staging, environment, exit code
    ("staging", ("queued", "success"), "production", 0),
    ("staging", ("success", "inactive"), "production", 1),
    ("staging", ("queued",), "production", 1),
    ("staging", ("failure",), "production", 1),
    ("staging", (), "production", 1),
    ("staging", (), "staging", 0),
    ("{production: staging, canary: production}", ("success",), "production", 0),
    ("{production: staging, canary: production}", ("success",), "canary", 1),
    ("{production: staging}", (), "preview", 0),
]


@pytest.mark.parametrize(("after", "states", "environment", "code"), ORDERS)
def test_environments_open_in_order(
    here: Path,
    api: Api,
    measured: Callable[..., Evidence],
    after: str,
    states: tuple[str, ...],
    environment: str,
    code: int,
) -> None:
    """A commit is let through only if it is live in the environment that comes before; others do not count."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age: 1d", f"max-age: 1d, after: {after}"))
    deployed(api, "success", commit=OTHER, environment="staging")
    deployed(api, "success", environment="staging", service="search")
    if states:
        deployed(api, *states, environment="staging")
    measured()
    assert main([*FLAGS, "--environment", environment]) == code
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.reason_code == "environment-order") is bool(code)
    if code:
        assert newest_states(api) == ["pending"]


def test_the_order_is_unknown_without_a_token(here: Path, measured: Callable[..., Evidence]) -> None:
    """What was not read is no pass."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age: 1d", "max-age: 1d, after: staging"))
    measured()
    assert main(["gate"]) == 1
    assert read_verdict(here / "verdict.json").reason_code == "environment-order"


def test_deployments_that_cannot_be_read_close_the_gate(api: Api, measured: Callable[..., Evidence]) -> None:
    """An error of the list of the commit's deployments is an error, and nothing is written."""
    measured()
    api.seed(faults=[{"kind": "status", "status": 422, "message": "no", "path": "/deployments$", "skip": 1}])
    assert main(FLAGS) == 2
    assert api.state.deployments == []


def test_outside_of_the_windows_the_gate_is_on_hold(
    here: Path, api: Api, measured: Callable[..., Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window that is open now lets the commit through; a closed one holds it until a maintainer has a reason."""
    now = datetime.now(UTC)
    policy, text = here / ".github/ghmlops.yml", (here / ".github/ghmlops.yml").read_text()
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    for offset, code in ((-1, 0), (2, 1)):
        first, last = days[(now.weekday() + offset) % 7], days[(now.weekday() + offset + 2) % 7]
        window = f"windows: ['{first}-{last} 00:00-24:00']"
        policy.write_text(text.replace("max-age: 1d", f"max-age: 1d, {window}"))
        measured()
        assert main(FLAGS) == code
    assert read_verdict(here / "verdict.json").reason_code == "deployment-window"
    monkeypatch.setenv("GITHUB_EVENT_NAME", "workflow_dispatch")
    monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", "ada")
    api.state.repositories["acme/shop"]["roles"] = {"ada": "maintain"}
    assert main([*FLAGS, "--emergency-reason", "the site is down"]) == 0
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.reason_code, verdict.override.endswith("(by ada)")) == ("emergency", True)


STATED = [
    ("Faster.\n\nExpect: p99 -10%\n", ("--token", "t"), "production", 0),
    ("Faster.\n\n<!-- Expect: p99 -10% -->\n", ("--token", "t"), "production", 1),
    ("", ("--token", "t"), "production", 1),
    ("", ("--token", "t"), "staging", 0),
    ("Expect: p99 -10%", (), "production", 1),
]


@pytest.mark.parametrize(("body", "token", "environment", "code"), STATED)
def test_an_environment_that_opens_for_a_stated_expectation(
    here: Path,
    api: Api,
    measured: Callable[..., Evidence],
    body: str,
    token: tuple[str, ...],
    environment: str,
    code: int,
) -> None:
    """The merged pull request must have a line `Expect: ...`; without a token it is unknown, which is no pass."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text() + "\nhistory: {hypothesis: {required: [production]}}\n")
    api.seed(pull_requests=[{**MERGED, "body": body}])
    measured()
    assert main(["gate", *token, "--environment", environment]) == code
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.reason_code == "hypothesis-missing") is bool(code)
    named = [finding.reason for finding in verdict.findings if finding.id == "hypothesis-missing"]
    assert len(named) == (environment == "production")
    if not code and named:
        assert "p99 -10%" in named[0]
