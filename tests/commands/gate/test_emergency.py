"""A deployment without evidence: by hand, with a reason, by a person whom GitHub confirms, and recorded."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.cli import main
from ghmlops.measure.checkout import fingerprint
from ghmlops.measure.evidence import read_verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ghmlops.core.evidence.document import Evidence
    from github_api.server import Api

REASON = "the site is down"
FLAGS = ["gate", "--token", "t", "--emergency-reason", REASON]


@pytest.fixture
def dispatch(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set event, person and role of the run."""

    def set_up(*, event: str = "workflow_dispatch", person: str = "ada", role: str = "maintain") -> None:
        monkeypatch.setenv("GITHUB_EVENT_NAME", event)
        monkeypatch.setenv("GITHUB_ACTOR", "octocat")
        monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", person)
        api.state.repositories["acme/shop"]["roles"] = {"octocat": "read", "ada": role}

    return set_up


@pytest.fixture
def artifact(here: Path, api: Api, measured: Callable[..., Evidence]) -> Callable[..., None]:
    """Upload the evidence of a preview to run 41."""

    def upload(outcome: str = "pass", **fields: object) -> None:
        policy = fingerprint(here / ".github/ghmlops.yml")
        origin = {"run_id": "41", "version": __version__, "service": "shop", "event": "push"}
        evidence = measured(outcome, **origin, fingerprints={"policy": policy})
        (here / "evidence/preview.json").unlink()
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("preview.json", msgspec.json.encode(evidence))
        run = {"id": 41, "head_sha": "a" * 40, "event": "push"}
        content = base64.b64encode(packed.getvalue()).decode()
        row = {"run_id": 41, "name": "ghmlops-evidence-check-1", "zip_base64": content, **fields}
        api.seed(runs=[run], artifacts=[row])

    return upload


@pytest.mark.parametrize("role", ["maintain", "admin"])
def test_a_maintainer_deploys_without_evidence(here: Path, api: Api, dispatch: Callable[..., None], role: str) -> None:
    """The verdict is a warning with the code `emergency`; reason and person are in it and on GitHub."""
    dispatch(role=role)
    assert main(FLAGS) == 0
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.outcome, verdict.reason_code, verdict.override) == (
        "warn",
        "emergency",
        f"{REASON} (by ada)",
    )
    assert f"{REASON} (by ada)" in api.state.statuses[-1]["description"]
    assert [s["state"] for s in api.state.deployment_statuses] == ["queued"]
    (deployment,) = api.state.deployments
    assert deployment["payload"]["ghmlops"]["override"] == f"{REASON} (by ada)"


REFUSED = [
    ({"event": "push"}, "not workflow_dispatch"),
    ({"role": "write"}, "does not list ada as a maintainer"),
    ({"role": "triage"}, "does not list ada as a maintainer"),
    ({"person": "mallory"}, "does not list mallory as a maintainer"),
    ({"person": "../../user"}, "as a maintainer"),
]


@pytest.mark.parametrize(("setting", "message"), REFUSED)
def test_nobody_else_may(
    here: Path,
    api: Api,
    dispatch: Callable[..., None],
    setting: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An automatic run, a person without the role and a stranger are refused, and nothing is written."""
    dispatch(**setting)
    assert main(FLAGS) == 2
    assert message in capsys.readouterr().err
    assert (api.state.statuses, api.state.deployments) == ([], [])
    assert not (here / "verdict.json").exists()


def test_the_person_who_ran_it_again_counts(here: Path, dispatch: Callable[..., None]) -> None:
    """GITHUB_ACTOR is the first person, who may be a maintainer; the one who triggered this attempt decides."""
    dispatch(person="octocat")
    assert main(FLAGS) == 2
    assert not (here / "verdict.json").exists()


@pytest.mark.parametrize(("outcome", "code"), [("fail", 1), ("inconclusive", 1), ("pass", 0)])
def test_evidence_that_exists_counts(
    here: Path, dispatch: Callable[..., None], measured: Callable[..., Evidence], outcome: str, code: int
) -> None:
    """An emergency replaces absent evidence only: a failure stays a failure."""
    dispatch()
    measured(outcome)
    assert main(FLAGS) == code
    assert read_verdict(here / "verdict.json").outcome == outcome


def test_an_emergency_without_a_token_is_refused(dispatch: Callable[..., None]) -> None:
    """Nobody can be confirmed without a token."""
    dispatch()
    assert main(["gate", "--emergency-reason", "x"]) == 2


def test_artifacts_are_unavailable(here: Path, api: Api, dispatch: Callable[..., None]) -> None:
    """GitHub does not deliver the evidence: an error without a reason, a recorded warning with one."""
    api.seed(faults=[{"kind": "status", "status": 403, "message": "no", "path": "/actions/", "times": 99}])
    dispatch()
    assert main(["gate", "--token", "t", "--run-id", "41"]) == 2
    assert main([*FLAGS, "--run-id", "41"]) == 0
    assert read_verdict(here / "verdict.json").reason_code == "emergency"


KINDS: list[dict[str, Any]] = [
    {"kind": "status", "status": 403, "message": "Resource not accessible by integration"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 429},
    {"kind": "refused"},
]


@pytest.mark.parametrize("fault", KINDS, ids=[str(f.get("status", f["kind"])) for f in KINDS])
@pytest.mark.parametrize("path", ["/actions/runs/41$", "/actions/runs/41/artifacts", "/zip"])
def test_every_failure_of_the_artifacts_is_covered(
    here: Path,
    api: Api,
    dispatch: Callable[..., None],
    artifact: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
    path: str,
) -> None:
    """The run, its list of artifacts or an archive cannot be read, in whichever way: recorded, and deployed."""
    for name, value in (("TRANSIENT_DELAYS", (0.0,)), ("NOT_FOUND_DELAYS", (0.0,)), ("RATE_LIMIT_DELAY", 0.0)):
        monkeypatch.setattr(f"ghmlops.clients.retry.{name}", value)
    dispatch()
    artifact()
    api.seed(faults=[{**fault, "path": path, "times": 99}])
    assert main([*FLAGS, "--run-id", "41"]) == 0
    verdict = read_verdict(here / "verdict.json")
    assert (verdict.outcome, verdict.reason_code) == ("warn", "emergency")
    assert [s["state"] for s in api.state.deployment_statuses] == ["queued"]


PARTLY = [
    # artifact fields, outcome of the evidence that is there, reason code
    ({"expired": True}, "pass", "emergency"),
    ({"expired": True}, "fail", "emergency"),  # nobody can read it
    ({}, "fail", "preview-ready"),
    ({}, "inconclusive", "preview-ready"),
]


@pytest.mark.parametrize(("fields", "outcome", "code"), PARTLY)
def test_evidence_that_expired_is_not_available(
    here: Path,
    dispatch: Callable[..., None],
    artifact: Callable[..., None],
    fields: dict[str, object],
    outcome: str,
    code: str,
) -> None:
    """An expired artifact is unavailable evidence; evidence that can be read counts as always."""
    dispatch()
    artifact(outcome, **fields)
    assert main([*FLAGS, "--run-id", "41"]) == (0 if code == "emergency" else 1)
    assert read_verdict(here / "verdict.json").reason_code == code


def test_one_absent_measurement_beside_a_good_one(
    here: Path, dispatch: Callable[..., None], measured: Callable[..., Evidence]
) -> None:
    """A required leg never ran, and the other passed: unavailable evidence, which an emergency covers."""
    policy = here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("max-age", "legs: {preview: [b]}, max-age"))
    dispatch()
    measured("pass")
    assert main(["gate", "--token", "t"]) == 1
    assert main(FLAGS) == 0
    assert read_verdict(here / "verdict.json").reason_code == "emergency"
