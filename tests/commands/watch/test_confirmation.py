"""A request in its workflow: claimed once, and concluded with a verdict and a record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from ghmlops import __version__
from ghmlops.act.evidence import write_evidence
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.history.place import encode_record, record_path
from ghmlops.core.history.reading import decode_record
from ghmlops.core.history.record import BRANCH, ConfirmationRecord
from ghmlops.core.incidents.requests import request_of
from ghmlops.core.model import Finding, Outcome
from ghmlops.core.watch.incident import Incident, StepKind
from ghmlops.measure.checkout import fingerprint
from history_records import deployment, quarantine, revert

if TYPE_CHECKING:
    from ghmlops.core.history.record import AnyRecord
    from watched_service import WatchedService

ALARM = "p95@2026-11-03T10:00:00Z"


def flags(service: WatchedService, kind: StepKind = "confirm") -> list[str]:
    """Return the inputs of a request."""
    incident = Incident("shop", "production", service.bad, service.good, ())
    values = {"commit": service.bad, "base": service.good, "alarm": ALARM, "request": request_of(incident, kind)}
    return [part for name, value in values.items() for part in (f"--{name}", value)]


def claim(service: WatchedService, kind: StepKind, capsys: pytest.CaptureFixture[str]) -> bool:
    """Return whether a request is still to be carried out."""
    return state(service, kind, capsys) == "claimed"


def damage(service: WatchedService) -> None:
    """Add a record to the history whose end is cut off."""
    record = deployment(service.ago(0.3), commit="d" * 40)
    writer = service.scene.clone("damage")
    writer.git("checkout", "--quiet", BRANCH)
    path = writer.folder / record_path(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_record(record)[:-9])
    writer.commit("damage", {})
    writer.git("push", "--quiet", "origin", BRANCH)


def state(service: WatchedService, kind: StepKind, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the code of the answer to a claim."""
    capsys.readouterr()
    assert service.run("--task", "claim", "--json", *flags(service, kind)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["proceed"] == (answer["reason_code"] == "claimed")
    return str(answer["reason_code"])


def test_two_runs_of_one_request_carry_it_out_once(service: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one, which waited for the first, finds its record; nothing is undone without a confirmed failure."""
    service.append(*service.deployments())
    assert claim(service, "confirm", capsys)
    assert not claim(service, "revert", capsys)
    request = flags(service)[-1]
    service.append(msgspec.structs.replace(service.confirmed(1), request=request))
    assert not claim(service, "confirm", capsys)
    assert claim(service, "revert", capsys)
    service.append(revert(service.ago(0), commit=service.bad))
    assert not claim(service, "revert", capsys)


def test_a_damaged_record_stops_a_revert_and_no_rollback(
    service: WatchedService, capsys: pytest.CaptureFixture[str]
) -> None:
    """It could say that a person decided otherwise; traffic returns in spite of that, and the answer names it."""
    service.append(*service.deployments(), service.confirmed(1))
    damage(service)
    assert service.run("--task", "claim", "--json", *flags(service, "revert")) == 2
    assert state(service, "rollback", capsys) == "claimed"
    service.append(revert(service.ago(0), commit=service.bad))
    assert state(service, "rollback", capsys) == "already-undone"


NEWER = "c" * 40


@pytest.mark.parametrize("kind", ["rollback", "revert"])
@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("claimed", ()),
        ("person-decided", ("override",)),
        ("person-decided", ("lifted",)),
        ("person-decided", ("good again", "bad again")),
        ("superseded", ("newer",)),
        ("superseded", ("good again",)),
        ("claimed", ("newer", "newer failed")),
        ("undone", ("bad failed",)),
        ("other-base", ("good quarantined",)),
    ],
)
def test_what_was_decided_meanwhile_counts(
    service: WatchedService, kind: StepKind, code: str, kinds: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Between the start of an action and its turn a person decides, or another commit is deployed."""
    first, second = service.ago(0.5), service.ago(0.4)
    options: dict[str, AnyRecord] = {
        "override": deployment(first, commit=service.bad, override="keep it"),
        "lifted": quarantine(first, commit=service.bad, lifted=True),
        "good again": deployment(first, commit=service.good),
        "bad again": deployment(second, commit=service.bad),
        "bad failed": deployment(first, commit=service.bad, decision="failed"),
        "newer": deployment(first, commit=NEWER),
        "newer failed": deployment(second, commit=NEWER, decision="failed"),
        "good quarantined": quarantine(first, commit=service.good),
    }
    service.append(*service.deployments(), service.confirmed(1), *(options[name] for name in kinds))
    assert state(service, kind, capsys) == code


def on_github(service: WatchedService, hour: float, sha: str, state: str = "success", *, named: bool = True) -> None:
    """Let GitHub list a deployment that was created and live some hours before the end of the data."""
    payload = {"payload": {"ghmlops": {"run_id": "7", "service": "shop"}}} if named else {}
    states = [{"state": "success"}] if state == "success" else [{"state": "success"}, {"state": state}]
    service.api.seed(deployments=[{"sha": sha, "statuses": states, **payload}])
    rows = [service.api.state.deployments[-1], *service.api.state.deployment_statuses[-len(states) :]]
    for row in rows:
        row["created_at"] = service.ago(hour)


@pytest.mark.parametrize("kind", ["rollback", "revert"])
def test_a_newer_deployment_that_only_github_knows_stops_an_action(
    service: WatchedService, kind: StepKind, capsys: pytest.CaptureFixture[str]
) -> None:
    """It replaced the one that the action is about; an older one, one that failed since, and that one itself did not.

    A job's `environment:` is no deployment unless the policy says so.
    """
    service.append(*service.deployments(), service.confirmed(1), deployment(service.ago(0.6), commit="e" * 40))
    service.append(deployment(service.ago(0.5), commit="e" * 40, decision="failed"))
    on_github(service, 100.1, service.good)
    on_github(service, 5.2, service.bad)
    on_github(service, 5.1 - 0.2, service.bad)
    on_github(service, 0.7, "e" * 40)
    on_github(service, 0.4, "f" * 40, "failure")
    on_github(service, 0.3, NEWER, named=False)
    assert state(service, kind, capsys) == "claimed"
    policy = service.here / ".github/ghmlops.yml"
    text = policy.read_text()
    policy.write_text(text.replace("watch:\n", "watch:\n  github-deployments: true\n"))
    assert state(service, kind, capsys) == "superseded"
    policy.write_text(text)
    on_github(service, 0.2, service.good)  # a person deployed it again
    assert state(service, kind, capsys) == "superseded"


def test_deployments_that_github_does_not_list_are_not_measured(
    service: WatchedService, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer names it; with `github-deployments: true`, an action that they could forbid is not claimed."""
    service.append(*service.deployments(), service.confirmed(1))
    refusal = {"kind": "status", "status": 403, "message": "Resource not accessible by integration", "times": 9}
    service.api.seed(faults=[{**refusal, "method": "GET", "path": "/deployments$"}])
    assert service.run("--task", "claim", "--json", *flags(service, "rollback")) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["reason_code"], "deployments: read" in answer["reason"]) == ("claimed", True)
    policy = service.here / ".github/ghmlops.yml"
    policy.write_text(policy.read_text().replace("watch:\n", "watch:\n  github-deployments: true\n"))
    assert service.run("--task", "claim", "--json", *flags(service, "rollback")) == 2
    assert json.loads(capsys.readouterr().out)["reason_code"] == "permission-missing"


def test_a_freeze_file_stops_an_action_that_was_started(
    service: WatchedService, capsys: pytest.CaptureFixture[str]
) -> None:
    """The default branch of the remote counts: the checkout may be older. A measurement undoes nothing, and goes on."""
    service.append(*service.deployments(), service.confirmed(1))
    other = service.scene.clone("other", "--branch", "main")
    other.commit("Freeze", {"freeze": ""})
    other.push()
    assert [state(service, kind, capsys) for kind in ("revert", "rollback")] == ["frozen", "frozen"]
    assert claim(service, "confirm", capsys)


def evidence(service: WatchedService, outcome: Outcome) -> None:
    """Write the evidence of a run that compared both commits, twice if it failed: on a fresh deployment too."""
    origin = Provenance(
        repository="acme/shop",
        head_sha=service.bad,
        base_sha=service.good,
        version=__version__,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service="shop",
        fingerprints={"policy": fingerprint(service.here / ".github/ghmlops.yml")},
    )
    legs = ("", "confirm") if outcome is Outcome.FAIL else ("",)
    runs = [("preview", "", Outcome.PASS), *(("synthetic", leg, outcome) for leg in legs)]
    for command, leg, value in runs:
        name = f"{command}-x"
        finding = Finding(id=name, metric="x", outcome=value, reason="R.", docs="a#b")
        content = Evidence(
            command=command,
            leg=leg,
            provenance=origin,
            outcome=value,
            findings=[finding],
            reason_code=name,
            reason="R.",
        )
        write_evidence(service.here / "evidence", content)


@pytest.mark.parametrize(("outcome", "confirmed"), [(Outcome.FAIL, True), (Outcome.PASS, False), (None, False)])
def test_the_paired_verdict_and_its_record(service: WatchedService, outcome: Outcome | None, confirmed: bool) -> None:
    """Only a failure that may be acted on is confirmed; without evidence nothing is."""
    if outcome:
        evidence(service, outcome)
    assert service.run("--task", "conclude", *flags(service)) == 0
    record = decode_record((service.here / "record.json").read_bytes())
    assert isinstance(record, ConfirmationRecord)
    assert (record.is_confirmed, record.commit, record.base_sha) == (confirmed, service.bad, service.good)
    assert record.request == flags(service)[-1]
    verdict = json.loads((service.here / "verdict.json").read_text())
    assert (verdict["commit"], verdict["base_sha"], verdict["environment"]) == (
        service.bad,
        service.good,
        "production",
    )
    assert bool(verdict["confirmed"]) == confirmed


def test_evidence_against_another_commit_confirms_nothing(service: WatchedService) -> None:
    """The verdict is one of these two commits."""
    evidence(service, Outcome.FAIL)
    service.good = "d" * 40
    assert service.run("--task", "conclude", *flags(service)) == 0
    record = decode_record((service.here / "record.json").read_bytes())
    assert isinstance(record, ConfirmationRecord)
    assert not record.is_confirmed


def test_a_request_with_other_inputs_is_refused(service: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """Its id follows from what it is about."""
    service.append(*service.deployments())
    right = flags(service)
    for name, value in (("--alarm", "p50@x"), ("--commit", "c" * 40), ("--base", "short"), ("--task", "guess")):
        assert service.run("--task", "claim", *right, name, value) == 2
    assert service.run("--task", "claim", *right, "--branch", "") == 2
    assert "Traceback" not in capsys.readouterr().err
