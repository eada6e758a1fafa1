"""One run of `ghmlops synthetic` on a real service, with the requests, seconds and replays that the goals are about."""

from __future__ import annotations

import copy
import io
import json
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.syntheticbench.services import SERVICES, Service, serving
from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.synthetic.command import run
from ghmlops.commands.synthetic.inputs import Inputs
from ghmlops.core.context import Context
from ghmlops.core.details.synthetic import SyntheticDetails
from ghmlops.core.evidence.document import Evidence
from ghmlops.measure.evidence import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from ghmlops.commands.shared.base import Result

POLICY = """\
version: 1
service: bench
latency: {{request: {{method: POST, path: /predict, timeout: 5s}}, payloads: rows.jsonl}}
synthetic:
  requests: 2000
  score: "predictions[0].score"
  expect: {expect}
  {relations}
"""


@dataclass(slots=True)
class Run:
    """What one run showed.

    Attributes:
        failed: relations that failed.
        warned: relations that warned.
        requests: requests to both arms.
        seconds: duration.
        processor: processor time of the run in seconds, with that of both services.
        fields: number of fields that each shrunk failure needs.
        shrinking: requests for shrinking and saving, all failures together.
        announced: whether the run says that a saved case fails again, by relation.
        replayed: whether its replay fails again, by relation.
        replay_requests: requests of that replay per case.
    """

    failed: list[str]
    warned: list[str]
    requests: int
    seconds: float
    processor: float
    fields: list[int] = field(default_factory=list)
    minimal: int = 0
    shrinking: int = 0
    announced: dict[str, bool | None] = field(default_factory=dict)
    replayed: dict[str, bool] = field(default_factory=dict)
    replay_requests: list[int] = field(default_factory=list)


def make(name: str, *patches: Callable[[Any], None]) -> Service:
    """Return a service with patches."""
    service = copy.copy(_trained(name))
    for patch in patches:
        patch(service)
    return service


@cache
def _trained(name: str) -> Service:
    return SERVICES[name]()


def measure(candidate: Service, baseline: Service, *, declared: bool, seed: int = 1, replay: bool = False) -> Run:
    """Run `ghmlops synthetic`; `declared`: with what the policy of the service declares, and `expect: same`."""
    rows = "".join(json.dumps({"instances": [row]}) + "\n" for row in candidate.rows)
    relations = f"relations: {{{candidate.policy}}}" if declared and candidate.policy else ""
    policy = POLICY.format(expect="same" if declared else "new-model", relations=relations)
    if candidate.name in ("iris", "digits"):
        policy = policy.replace('  score: "predictions[0].score"\n', "")
    with serving(candidate) as url, serving(baseline) as baseline_url:
        return measure_policy((url, baseline_url), policy, rows, seed=seed, replay=replay)


def measure_policy(urls: tuple[str, str], policy: str, rows: str, *, seed: int = 1, replay: bool = False) -> Run:
    """Run `ghmlops synthetic` on a candidate and a baseline with a policy and the rows of its payload file."""
    url, baseline_url = urls
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text(rows)
        (folder / "policy.yml").write_text(policy)
        started, began = time.monotonic(), time.process_time()
        _synthetic(folder, url=url, baseline_url=baseline_url, seed=seed)
        seconds, processor = time.monotonic() - started, time.process_time() - began
        evidence, details = _read(folder)
        result = Run(
            failed=[f.metric for f in evidence.findings if f.outcome.value == "fail"],
            warned=[f.metric for f in evidence.findings if f.outcome.value == "warn"],
            requests=details.settings.requests,
            seconds=seconds,
            processor=processor,
            shrinking=details.settings.shrinking_requests,
        )
        proven = [row for row in details.failures if row.case is not None and row.shrinking is not None]
        result.fields = [0 if row.needs == "any row" else row.needs.count(" (not ") for row in proven]
        result.minimal = sum(row.minimal is True for row in proven)
        result.announced = {row.relation: row.replays for row in proven}
        if replay and details.settings.cases:
            _replay_each(folder, result, url, baseline_url)
        return result


def _replay_each(folder: Path, result: Run, url: str, baseline_url: str) -> None:
    """Replay each saved case alone, as a person would: one command for one failure."""
    content = json.loads((folder / "evidence/synthetic.cases").read_text())
    for case in content["cases"]:
        (folder / "one.cases").write_text(json.dumps({**content, "cases": [case]}))
        _synthetic(folder, url=url, baseline_url=baseline_url, replay="one.cases", leg="replay")
        evidence, details = _read(folder, "synthetic-replay.json")
        result.replayed[case["relation"]] = any(f.outcome.value == "fail" for f in evidence.findings)
        result.replay_requests.append(details.settings.requests)


def _synthetic(folder: Path, **inputs: Any) -> Result:  # noqa: ANN401  (inputs of the command)
    services = Services(
        context=Context(head_sha="a" * 40, repository="acme/bench"),
        environ={},
        cwd=folder,
        now=lambda: datetime.now(UTC),
        console=Console(io.StringIO()),
    )
    return run(Inputs(policy="policy.yml", **inputs), services)


def _read(folder: Path, name: str = "synthetic.json") -> tuple[Evidence, SyntheticDetails]:
    data = (folder / "evidence" / name).read_bytes()
    evidence = decode(data, Evidence, "ghmlops/evidence/v1", name)
    details = evidence.details
    assert isinstance(details, SyntheticDetails)
    return evidence, details
