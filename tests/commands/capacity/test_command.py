"""`ghmlops capacity` against real queues of known capacity: interval, evidence, replicas, bad input, interruption."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import queueing_service
from ghmlops.commands.capacity.command import run
from ghmlops.commands.capacity.inputs import Inputs
from ghmlops.commands.shared.base import Result, Services
from ghmlops.commands.shared.console import Console
from ghmlops.core.context import Context
from ghmlops.core.details import CapacityDetails
from ghmlops.core.errors import InputError, PolicyError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.model import Outcome
from ghmlops.measure.evidence import decode
from left_evidence import left_error
from typed_details import details_of

SHA = "0123456789abcdef0123456789abcdef01234567"
POLICY = """
version: 1
service: scorer
latency: {{request: {{method: GET, path: "/predict?key=s3cr3t", timeout: 2s}}, slo: {{p90: 60ms}}}}
capacity: {{start: {start}/s, most: 400/s, probe: 1s, warmup: 0.2s, resolution: 20%, budget: {budget}s, {more}}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository's folder with a policy."""
    write_policy(tmp_path)
    return tmp_path


def write_policy(place: Path, *, start: int = 40, budget: float = 7, more: str = "demand: 500/s") -> None:
    (place / "policy.yml").write_text(POLICY.format(start=start, budget=budget, more=more), encoding="utf-8")


def services(place: Path) -> Services:
    return Services(
        context=Context(head_sha=SHA, repository="acme/scorer"),
        environ={},
        cwd=place,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )


def capacity(place: Path, url: str, **more: Any) -> Result:
    return run(Inputs(policy="policy.yml", url=url, **more), services(place))


def read_evidence(place: Path) -> Evidence:
    return decode((place / "evidence" / "capacity.json").read_bytes(), Evidence, "ghmlops/evidence/v1", "it")


def test_the_interval_does_not_contradict_a_known_service(place: Path) -> None:
    """Two workers of 20 ms saturate at 100/s: no rate beyond it passes, and the evidence is whole."""
    with queueing_service.started("--workers", "2", "--mean", "0.02", "--law", "fixed") as url:
        result = capacity(place, url)
    evidence = read_evidence(place)
    details = details_of(evidence, CapacityDetails)
    assert details.result.low is None or details.result.low <= 105
    assert result.outputs["capacity"] == result.outputs["capacity-low"]
    assert set(result.outputs) == {
        "evidence-file", "capacity", "capacity-low", "capacity-high", "replicas", "limited-by",
    }  # fmt: skip
    assert (evidence.command, evidence.provenance.head_sha, evidence.provenance.seed) == ("capacity", SHA, 1)
    assert [f.id for f in evidence.findings] == ["capacity"]
    assert evidence.outcome is result.outcome is evidence.findings[0].outcome
    assert details.probes[0].rate == 40
    assert details.result.requests_sent > 0
    assert details.settings.requests == "GET /predict"
    assert details.settings.objectives.quantiles == {"p90": 0.06}
    text = (place / "evidence" / "capacity.json").read_text(encoding="utf-8")
    assert "s3cr3t" not in text + result.text
    assert "rate" in result.text
    assert result.outcome is not Outcome.PASS or (details.result.replicas or 0) >= 6
    assert [p.name for p in (place / "evidence").iterdir()] == ["capacity.json"]


def test_a_service_that_only_fails_is_not_probed_on_and_on(place: Path) -> None:
    """503 to nearly everything: `fail` after two probes, limited by errors, never a pass; or the generator was late."""
    write_policy(place, start=100, budget=120)
    with queueing_service.started("--fail-above", "0.1") as url:
        result = capacity(place, url)
    votes = [row.vote for row in details_of(read_evidence(place), CapacityDetails).probes]
    if votes.count("generator") > 1:
        assert (result.outcome, result.outputs["limited-by"]) == (Outcome.ERROR, "generator")
    else:
        assert [vote for vote in votes if vote != "generator"] == ["fail", "fail"]
        assert (result.outcome, result.reason_code) == (Outcome.FAIL, "service-broken")
        assert result.outputs["limited-by"] == "errors"


def test_a_dry_run_sends_nothing(place: Path) -> None:
    """The plan of the search is printed; there need be no service, and no file is written."""
    result = capacity(place, "http://127.0.0.1:9", dry_run=True)
    assert (result.outcome, result.reason_code) == (Outcome.PASS, "dry-run")
    assert "from 40/s, doubled" in result.text
    assert "s3cr3t" not in result.text
    assert result.data["samples"] == 64
    assert not (place / "evidence").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 1\nservice: s\n", "has no section `latency`"),
        ("version: 1\nservice: s\nlatency: {request: {method: GET}}\n", "names an objective"),
        ("version: 1\nservice: s\nlatency: {request: {method: GET}, slo: {errors: 0}}\n", "cannot be shown by any"),
        (
            "version: 1\nservice: s\nlatency: {request: {method: GET}, slo: {p99: 1s}}\n"
            "capacity: {start: 1/s, budget: 5m}\n",
            "needs 662 requests",
        ),
        (
            "version: 1\nservice: s\nlatency: {request: {method: GET}, slo: {p99: 1s}}\n"
            "capacity: {start: 200000/s, most: 300000/s}\n",
            "the first probe",
        ),
    ],
)
def test_policies_that_cannot_run(place: Path, text: str, message: str) -> None:
    """No section, no objective, one that nothing can show, and budgets that hold no probe are errors of the policy."""
    (place / "policy.yml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=message) as caught:
        capacity(place, "http://127.0.0.1:9")
    assert caught.value.hint


def test_a_bad_address_is_an_input_error(place: Path) -> None:
    """Not http, and with a password: refused, and not repeated."""
    for url in ("ftp://127.0.0.1", "http://me:s3cr3t@127.0.0.1"):
        with pytest.raises(InputError) as caught:
            capacity(place, url)
        assert "s3cr3t" not in caught.value.message


def command(place: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ghmlops", "capacity", "--policy", str(place / "policy.yml"), *arguments]


def test_an_address_that_refuses_exits_2(place: Path) -> None:
    """One line with a hint, no traceback; the evidence is the error; as JSON on request."""
    environ = os.environ | {"GITHUB_SHA": SHA}
    values = command(place, "--url", "http://127.0.0.1:9", "--json")
    done = subprocess.run(values, cwd=place, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(done.stdout)["reason_code"] == "service-unreachable"
    assert left_error(place / "evidence", "capacity.json") == "capacity-not-judged"


def test_an_interrupted_search_exits_130_and_leaves_an_error(place: Path) -> None:
    """Stopped within a probe: exit 130 and no result."""
    write_policy(place, budget=300, more="demand: 1/s")
    with (
        queueing_service.started() as url,
        subprocess.Popen(
            command(place, "--url", url),
            cwd=place,
            env=os.environ | {"GITHUB_SHA": SHA},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        wait_for_connections(process.pid)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "interrupted"
    assert left_error(place / "evidence", "capacity.json") == "capacity-not-judged"


def wait_for_connections(pid: int) -> None:
    """Wait until the process holds sockets: it is loading by then. Files that it closes meanwhile are passed over."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        links = []
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(FileNotFoundError):
                    links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        if sum(link.startswith("socket:") for link in links) >= 3:
            return
        time.sleep(0.02)
    raise AssertionError("never connected")
