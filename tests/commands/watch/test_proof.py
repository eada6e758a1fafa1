"""A confirmed failure of the history counts if the run that measured it has the same verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ghmlops.core.incidents.requests import request_of
from ghmlops.core.model import Outcome
from ghmlops.core.watch.incident import Incident

if TYPE_CHECKING:
    from watched_service import WatchedService

FORGED: dict[str, dict[str, Any]] = {
    "a run of a pull request": {"run": {"event": "pull_request"}},
    "a run of a fork": {"run": {"head_repository": "mallory/shop"}},
    "a run of another branch": {"run": {"head_branch": "change"}},
    "a run of another workflow": {"run": {"path": ".github/workflows/confirm.yml.yml"}},
    "other commits": {"commit": "c" * 40},
    "another base": {"base_sha": "c" * 40},
    "a pass": {"outcome": Outcome.PASS},
    "a failure that no second run repeated": {"confirmed": []},
    "another service": {"service": "search"},
    "another environment": {"environment": "staging"},
    "an old verdict": {"created": "2026-01-01T00:00:00+00:00"},
}


def claim(service: WatchedService, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code and the reason code of the claim of a rollback."""
    request = request_of(Incident("shop", "production", service.bad, service.good, ()), "rollback")
    values = {"commit": service.bad, "base": service.good, "alarm": "p95@2026-11-03T10:00:00Z", "request": request}
    capsys.readouterr()
    flags = [part for name, value in values.items() for part in (f"--{name}", value)]
    code = service.run("--task", "claim", "--json", *flags)
    return code, json.loads(capsys.readouterr().out)["reason_code"]


def forget(service: WatchedService) -> None:
    """Remove the runs of a service with their artifacts."""
    service.api.state.runs.clear()
    service.api.state.artifacts.clear()


def test_a_record_alone_undoes_nothing(service: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever pushes to the branch of the history can write a record, and can name any run and any digest in it."""
    genuine = service.confirmed(1)
    service.append(*service.deployments(), genuine)
    assert claim(service, capsys) == (0, "claimed")
    for case in FORGED.values():
        forget(service)
        service.confirmed(1, **case)
        assert claim(service, capsys) == (0, "verdict-unproven"), case
    forget(service)
    assert claim(service, capsys) == (0, "verdict-unproven")
    service.confirmed(1)
    service.api.state.artifacts.clear()
    assert claim(service, capsys) == (0, "verdict-unproven")


@pytest.mark.parametrize("fields", [{"verdict_sha256": "0" * 64}, {"run_id": ""}, {"run_id": "../41"}])
def test_a_record_that_names_another_verdict(
    service: WatchedService, fields: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The genuine verdict of another measurement, or no run."""
    service.append(*service.deployments(), msgspec.structs.replace(service.confirmed(1), **fields))
    assert claim(service, capsys) == (0, "verdict-unproven")


def test_a_verdict_that_cannot_be_read_is_an_error(service: WatchedService, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a token, or one that may not read artifacts, nothing is undone, and the permission is named."""
    service.append(*service.deployments(), service.confirmed(1))
    refusal = {"kind": "status", "status": 403, "message": "Resource not accessible by integration"}
    service.api.seed(faults=[{**refusal, "method": "GET", "path": "artifacts$"}])
    assert claim(service, capsys) == (2, "permission-missing")
    service.patch.delenv("GHMLOPS_TOKEN")
    assert claim(service, capsys)[0] == 2
