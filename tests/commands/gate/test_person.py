"""Who may override a verdict: a person who started this attempt by hand, and whom GitHub confirms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ghmlops.cli import main
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

COMMIT = "a" * 40
FLAGS = ["gate", "--token", "t", "--override-reason", "release tonight"]
TEAM = "override: {role: admin, teams: [acme/release]}"


@pytest.fixture
def dispatch(here: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set event, person, role and rules of the run; GitHub says who triggered it, whatever the variables say."""

    def set_up(
        *, event: str = "workflow_dispatch", person: str = "ada", role: str = "maintain", rules: str = ""
    ) -> None:
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        monkeypatch.setenv("GITHUB_ACTOR", "octocat")
        monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", "octocat")
        api.seed(runs=[{"id": 42, "head_sha": COMMIT, "event": event, "triggering_actor": person}])
        api.state.repositories["acme/shop"]["roles"] = {"octocat": "admin", "ada": role}
        api.state.repositories["acme/shop"]["teams"] = {"acme/release": {"ada": "active", "bob": "pending"}}
        policy = here / ".github/ghmlops.yml"
        policy.write_text(
            policy.read_text().replace("max-age: 1d", f"max-age: 1d, {rules}" if rules else "max-age: 1d")
        )

    return set_up


OVERRIDES = [
    # outcome, exit code, outcome of the verdict, recorded
    ("inconclusive", 0, "warn", "release tonight (by ada)"),
    ("fail", 1, "fail", ""),
    ("error", 2, "error", ""),
    ("pass", 0, "pass", ""),
]


@pytest.mark.parametrize(("outcome", "code", "after", "recorded"), OVERRIDES)
def test_override_lets_only_inconclusive_through(
    here: Path,
    api: Api,
    dispatch: Callable[..., None],
    measured: Callable[..., Evidence],
    outcome: str,
    code: int,
    after: str,
    recorded: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Reason and person are in the verdict, the deployment, the status and the record; a failure stays one."""
    dispatch()
    measured(outcome)
    assert main(FLAGS) == code
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.outcome, verdict.override) == (after, recorded)
    assert ("override-reason has no effect" in capsys.readouterr().err) is (recorded == "")
    record = json.loads((here / "record.json").read_bytes())
    assert record["override"] == recorded
    if recorded:
        assert recorded in api.state.deployment_statuses[-1]["description"]
        assert recorded in api.state.statuses[-1]["description"]


def test_override_opens_what_is_missing_but_not_what_is_broken(here: Path, dispatch: Callable[..., None]) -> None:
    """A person may do without evidence that is missing, not without evidence that cannot be read."""
    dispatch()
    assert main(FLAGS) == 0
    assert read_verdict(here / "verdict.json").reason_code == "overridden"
    (here / "evidence").mkdir()
    (here / "evidence/preview.json").write_text('{"schema": "ghmlops/evidence/v1"')
    assert main(FLAGS) == 2


def test_blank_override_is_none(here: Path, measured: Callable[..., Evidence]) -> None:
    """White space is not a reason."""
    measured("inconclusive")
    assert main(["gate", "--override-reason", "  \n"]) == 1
    assert read_verdict(here / "verdict.json").override == ""


PEOPLE: list[tuple[dict[str, Any], int]] = [
    ({"role": "write"}, 2),
    ({"role": "write", "rules": "override: {role: write}"}, 0),
    ({"role": "admin", "rules": "override: {role: admin}"}, 0),
    ({"role": "maintain", "rules": "override: {role: admin}"}, 2),
    ({"role": "read", "rules": "override: {role: write}"}, 2),
    ({"person": "mallory"}, 2),
    ({"person": "../../user"}, 2),
    ({"event": "push"}, 2),
    ({"event": "workflow_run"}, 2),
]


@pytest.mark.parametrize(("setting", "code"), PEOPLE)
def test_only_people_whom_github_confirms(
    here: Path,
    api: Api,
    dispatch: Callable[..., None],
    measured: Callable[..., Evidence],
    setting: dict[str, Any],
    code: int,
) -> None:
    """The role that the policy demands, by GitHub's word about the one who triggered this attempt; else nothing."""
    dispatch(**setting)
    measured("inconclusive")
    assert main(FLAGS) == code
    if code:
        assert (api.state.statuses, api.state.deployments) == ([], [])
        assert not (here / "verdict.json").exists()


@pytest.mark.parametrize("login", ["shipper[bot]", "shipper"])
def test_a_bot_is_no_person(
    api: Api, dispatch: Callable[..., None], measured: Callable[..., Evidence], login: str
) -> None:
    """A bot that started the run may not override, whatever its role: by its name, or by the type that GitHub names."""
    dispatch(person=login)
    api.state.repositories["acme/shop"] |= {"roles": {login: "admin"}, "bots": ["shipper"]}
    measured("inconclusive")
    assert main(FLAGS) == 2
    assert (api.state.statuses, api.state.deployments) == ([], [])


@pytest.mark.parametrize(("attempt", "code"), [(1, 2), (2, 0)])
def test_the_person_is_that_of_the_attempt(
    api: Api,
    dispatch: Callable[..., None],
    measured: Callable[..., Evidence],
    monkeypatch: pytest.MonkeyPatch,
    attempt: int,
    code: int,
) -> None:
    """Who starts the run again lends no rights to an attempt that goes on: `mallory` started the first one."""
    dispatch()
    api.state.runs[-1] |= {"run_attempt": 2, "attempts": {"1": {"triggering_actor": "mallory"}}}
    monkeypatch.setenv("GITHUB_RUN_ATTEMPT", str(attempt))
    measured("inconclusive")
    assert main(FLAGS) == code


def test_the_runner_does_not_name_the_person(dispatch: Callable[..., None], measured: Callable[..., Evidence]) -> None:
    """If GitHub names nobody, the variables of the runner do not stand in: `octocat` is an administrator there."""
    dispatch(person="")
    measured("inconclusive")
    assert main(FLAGS) == 2


@pytest.mark.parametrize(("person", "token", "code"), [("ada", "t2", 0), ("bob", "t2", 2), ("ada", "t", 2)])
def test_members_of_a_team(
    api: Api, dispatch: Callable[..., None], measured: Callable[..., Evidence], person: str, token: str, code: int
) -> None:
    """An active member may; one with an open invitation, and a team that the token may not read, confirm nobody."""
    dispatch(person=person, role="read", rules=TEAM)
    rights = dict.fromkeys(("actions", "contents", "deployments", "statuses", "pull_requests", "members"), "write")
    api.seed(tokens={"t2": {"permissions": rights}})
    measured("inconclusive")
    assert main([*FLAGS[:2], token, *FLAGS[3:]]) == code


def test_a_run_that_cannot_be_read_confirms_nobody(
    api: Api, dispatch: Callable[..., None], measured: Callable[..., Evidence]
) -> None:
    """The variables of the runner are not enough for an override."""
    dispatch()
    api.state.runs.clear()
    measured("inconclusive")
    assert main(FLAGS) == 2
    assert api.state.deployments == []


def test_without_a_token_nobody_is_confirmed(
    dispatch: Callable[..., None], measured: Callable[..., Evidence], here: Path
) -> None:
    """One line and exit 2; no verdict is written."""
    dispatch()
    measured("inconclusive")
    assert main(["gate", "--override-reason", "x"]) == 2
    assert not (here / "verdict.json").exists()


def test_an_override_lifts_a_quarantine(
    here: Path, api: Api, dispatch: Callable[..., None], measured: Callable[..., Evidence]
) -> None:
    """After it, an automatic run lets the commit through again; until then, each one is held."""
    payload = {"ghmlops": {"run_id": "41", "service": "shop"}}
    api.seed(deployments=[{"sha": COMMIT, "payload": payload, "statuses": [{"state": "failure"}]}])
    dispatch()
    measured()
    assert main(["gate", "--token", "t"]) == 1
    assert main(FLAGS) == 0
    record = json.loads((here / "record.json").read_bytes())
    assert (record["decision"], record["lifts_quarantine"]) == ("allowed", True)
    assert main(["gate", "--token", "t"]) == 0
