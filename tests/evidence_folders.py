"""Folders of honest evidence: latency runs and predictions judged by the code under test, and their rules."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

import prediction_artifacts as artifacts
from ghmlops.core.details.latency import LatencyDetails, LatencySettings, PlannedRequests, RequestSettings, Slot
from ghmlops.core.details.load_runs import GeneratorDetails
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.evidence.run import RunFacts
from ghmlops.core.latency import details as run_details
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.kind import Kind
from ghmlops.core.model import Finding, conclude
from ghmlops.core.policy.document import Policy
from ghmlops.core.policy.gate import Gate
from ghmlops.core.policy.latency import Arrivals, Latency
from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.policy.regression import Dataset, Regression
from ghmlops.core.predictions.judgement import judge_observations
from ghmlops.core.text.plain_name import evidence_file_name
from ghmlops.core.verdict.rules import Rules, policy_rules
from ghmlops.measure.predictions.artifacts.source import Source
from latency_runs import judge_blocks, tally

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
HEAD, BASE, OTHER = "a" * 40, "b" * 40, "c" * 40
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
POLICY_DIGEST = "sha256:" + "1" * 64
REPOSITORY, SERVICE, RUN_ID, WORKFLOW = "acme/shop", "shop", "42", ".github/workflows/deploy.yml"
LATENCY = Latency(
    arrivals=Arrivals(model="constant", rate=100.0, duration=60.0, warmup=1.0),
    slo=Objectives(quantiles={"p99": 0.15}, errors=0.01),
)
REGRESSION = msgspec.structs.replace(artifacts.BINARY, slices=(("device",),), features=("device",))
POLICY = Policy(service=SERVICE, latency=LATENCY, regression=REGRESSION)
RUN = RunFacts(
    run_id=RUN_ID,
    attempt=2,
    repository=REPOSITORY,
    head_sha=HEAD,
    head_repository=REPOSITORY,
    event="push",
    workflow=WORKFLOW,
    conclusion="success",
    artifacts={"evidence": "sha256:" + "d" * 64, "evidence-again": "sha256:" + "e" * 64},
)


def rules(requirements: Policy = POLICY, /, **changes: Any) -> Rules:
    """Return the rules of a gate that knows the run and the deployed commit."""
    facts: dict[str, Any] = {
        "commit": HEAD,
        "now": NOW,
        "repository": REPOSITORY,
        "policy": POLICY_DIGEST,
        "base_sha": BASE,
        "run": RUN,
        "strict": True,
    }
    return policy_rules(requirements, **{**facts, **changes})


def provenance(**changes: Any) -> Provenance:
    """Return the provenance of the run that is judged."""
    fields: dict[str, Any] = {
        "repository": REPOSITORY,
        "head_sha": HEAD,
        "base_sha": BASE,
        "service": SERVICE,
        "run_id": RUN_ID,
        "run_attempt": 1,
        "event": "push",
        "workflow": WORKFLOW,
        "version": "1.0",
        "started": "2026-11-28T11:00:00Z",
        "seconds": 60.0,
        "seed": 1,
        "fingerprints": {"policy": POLICY_DIGEST, "code": "git:" + "5e" * 20},
    }
    return Provenance(**{**fields, **changes})


def evidence(command: str, findings: list[Finding], **fields: Any) -> Evidence:
    """Return evidence whose outcome follows from its findings."""
    outcome, code, reason = conclude(findings)
    fields = {"provenance": provenance(), "outcome": outcome, "reason_code": code, "reason": reason, **fields}
    return Evidence(command=command, findings=findings, **fields)


def loaded(*files: Evidence) -> list[Loaded]:
    """Return evidence as it is read from an artifact."""
    return [
        Loaded(evidence_file_name(e.command, e.leg), "0" * 64, e, "", artifact="evidence", artifact_sha256="d" * 64)
        for e in files
    ]


def arm(n: int, seed: int, *, seconds: float = 0.01, failures: int = 0) -> Answers:
    """Return `n` requests at 100 per second: log-normal response times that depend on the payload, and failures."""
    payload, own = np.random.default_rng(1), np.random.default_rng(seed)
    response = seconds * np.exp(0.3 * payload.normal(size=n) + 0.1 * own.normal(size=n))
    scheduled = np.arange(n) / 100
    kinds = np.zeros(n, np.uint8)
    kinds[own.permutation(n)[:failures]] = Kind.STATUS
    status = np.where(kinds == Kind.STATUS, 503, 200).astype(np.uint16)
    done = scheduled + response
    return Answers(scheduled=scheduled, sent=scheduled + 1e-4, first=done, done=done, status=status, kind=kinds)


def latency(
    *, slower: float = 1.0, failures: int = 0, paired: bool = True, requests: int = 6000, policy: Latency = LATENCY
) -> Evidence:
    """Return the evidence of a latency run of 100 requests per second."""
    return _latency(slower, failures, paired, requests, msgspec.json.encode(policy))


@cache
def _latency(slower: float, failures: int, paired: bool, requests: int, section: bytes) -> Evidence:
    policy = msgspec.json.decode(section, type=Latency)
    baseline = arm(requests, 2) if paired else None
    judge, run = judge_blocks(arm(requests, 3, seconds=0.01 * slower, failures=failures), baseline, policy)
    total = tally((judge, run), policy)
    names = ("baseline", "candidate") if paired else ("candidate",)
    generator = GeneratorDetails(
        **msgspec.structs.asdict(run_details.generator_details(total)),
        timer="epoll",
        answers_timed_by="process",
        answers_not_stamped=[0] * len(names),
        priority="0",
        priority_raised=False,
        requests_sent=total.requests,
        connections=[4] * len(names),
        waited_for_a_connection=[0] * len(names),
        token_gaps_dropped=[0] * len(names),
        began=1.7e9,
    )
    settings = LatencySettings(
        slots=[Slot(arm=name, url=f"http://127.0.0.1:80{index}") for index, name in enumerate(names)],
        requests=[RequestSettings(name="", method="POST", path="/", weight=1.0, timeout_s=10.0, headers=[])],
        arrivals=policy.arrivals,
        requests_per_arm=PlannedRequests(warmup=100, planned=requests, extension=requests),
        connections=64,
        payloads=10,
        margins=policy.margins,
    )
    details = LatencyDetails(
        settings=settings,
        judged_per_arm=total.requests,
        duet=run_details.duet_details(total, policy, extended=judge.extended) if paired else None,
        endpoints=[],
        failures=run_details.failure_details(total, {}),
        generator=generator,
    )
    return evidence(
        "latency",
        judge_tally(total, policy),
        measurements=run_details.measurements(total),
        not_measured=run_details.not_measured(total, policy),
        details=details,
    )


def predictions(kind: str = "equal", rows: int = 20_000, policy: Regression = REGRESSION) -> Evidence:
    """Return the evidence of a comparison: `equal`, `worse` (flipped decisions), or another task by name."""
    return _predictions(kind, rows, msgspec.json.encode(policy))


@cache
def _predictions(kind: str, rows: int, section: bytes) -> Evidence:
    policy = msgspec.json.decode(section, type=Regression)
    sides = {"baseline": _side("equal", rows, 1), "candidate": _side(kind, rows, 2)}
    if kind in _TASKS:
        make = _TASKS[kind]
        sides = {"baseline": make(1), "candidate": make(2)}
    observations = []
    for dataset in policy.datasets or (Dataset(),):
        with tempfile.TemporaryDirectory() as folder:
            files = {
                role: Source.of(artifacts.write(Path(folder) / f"{role}.parquet", columns), f"{role}.parquet")
                for role, columns in sides.items()
            }
            observations.append(msgspec.structs.replace(artifacts.observe(files, policy), dataset=dataset.name))
    judged = judge_observations(observations, policy)
    return evidence(
        "regression",
        judged.findings,
        measurements=judged.measurements,
        not_measured=judged.not_measured,
        details=judged.details,
    )


_TASKS: dict[str, Callable[[int], dict[str, Any]]] = {
    "multiclass": lambda seed: artifacts.classified(seed, 6000),
    "ranking": lambda seed: artifacts.ranked(seed, 400),
    "values": lambda seed: artifacts.values(20_000, seed),
}


def _side(kind: str, rows: int, seed: int) -> dict[str, Any]:
    """Return one side; a worse one answers the opposite for 5 % of the rows."""
    columns = artifacts.rows(rows, seed, noise=0.02)
    if kind == "worse":
        scores = np.array(columns["s"])
        flipped = np.random.default_rng(5).random(rows) < 0.05
        columns["s"] = np.where(flipped, 1 - scores, scores)
    return columns


def with_gate(policy: Policy = POLICY, **fields: Any) -> Policy:
    """Return a policy with another section `gate`."""
    return msgspec.structs.replace(policy, gate=Gate(**fields))
