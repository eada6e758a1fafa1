"""Evidence as the measuring commands write it, for the tests of the report: realistic numbers, no two alike."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec

from ghmlops.core.details.capacity import (
    CapacityDetails,
    CapacityGenerator,
    CapacityResult,
    CapacitySettings,
    CurvePoint,
    LawDetails,
    Prediction,
)
from ghmlops.core.details.latency import LatencyDetails, LatencySettings, PlannedRequests, RequestSettings, Slot
from ghmlops.core.details.load_runs import GeneratorDetails
from ghmlops.core.details.regression import RegressionDetails, SubgroupRow
from ghmlops.core.evidence.document import Evidence, Provenance, Verdict
from ghmlops.core.evidence.loaded import Loaded
from ghmlops.core.model import (
    Direction,
    Finding,
    Interval,
    Measurement,
    NotMeasured,
    Outcome,
    conclude,
)
from ghmlops.core.policy.capacity import Capacity
from ghmlops.core.policy.latency import Arrivals
from ghmlops.core.policy.objectives import Objectives
from ghmlops.core.verdict.confirmation import satisfies
from ghmlops.core.verdict.merge import merge
from ghmlops.core.verdict.rules import Rules
from ghmlops.report.content.layout import lay_out
from ghmlops.report.content.placed_findings import evidence_label
from ghmlops.report.content.run_facts import Facts
from ghmlops.report.text.blocks import Report

HEAD = "3f9c1b7a52d84e06a1f0c9d8e7b6a5948372615f"
BASE = "b41d0e9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c3d"
NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
FACTS = Facts(
    workflow="check",
    server_url="https://github.example",
    repository="acme/click-scorer",
    base_sha=BASE,
    run_id="4242",
    run_attempt=2,
    run_url="https://github.example/acme/click-scorer/actions/runs/4242",
    artifact_url="https://github.example/acme/click-scorer/actions/runs/4242/artifacts/77",
    docs_url="https://github.example/ghmlops/ghmlops/blob/v1/",
    policy=".github/ghmlops.yml",
    required=("latency", "regression"),
)


def provenance(**fields: Any) -> Provenance:
    """Return the provenance of a sample; `fields` override its defaults."""
    defaults: dict[str, Any] = {
        "repository": "acme/click-scorer",
        "head_sha": HEAD,
        "base_sha": BASE,
        "run_id": "4242",
        "run_attempt": 2,
        "version": "0.1.0",
        "started": "2026-03-04T12:00:00Z",
        "seconds": 83.412,
        "seed": 1,
        "fingerprints": {
            "code": "git:" + "5e" * 20,
            "data": "sha256:" + "ab" * 32,
            "environment": "sha256:" + "cd" * 32,
        },
    }
    return Provenance(**{**defaults, **fields})


def quantile(name: str, baseline: float, ratio: tuple[float, float, float], outcome: Outcome, margin: float) -> Finding:
    """Return a finding of the paired latency test: values in ms, change and margin as ratios."""
    estimate, low, high = ratio
    candidate = baseline * (1 + estimate) * 1.001
    verb = "rose" if estimate > 0 else "fell"
    bounds = {
        Outcome.FAIL: f"at least {100 * low:+.1f} %), more than the {100 * margin:g} % allowed",
        Outcome.PASS: f"at most {100 * high:+.1f} %), within the {50 * margin:g} % regarded as safe",
    }.get(outcome, f"between {100 * low:+.1f} % and {100 * high:+.1f} %), which is undecided")
    return Finding(
        id=f"latency-{name}",
        metric=name,
        outcome=outcome,
        reason=f"{name} {verb} from {baseline:.1f} to {candidate:.1f} ms ({100 * estimate:+.1f} %, {bounds}; "
        "6,000 requests per arm.",
        docs="actions/latency/README.md#the-verdict",
        description="Response time of the candidate against the baseline's, on paired blocks.",
        unit="ratio",
        direction=Direction.LOWER,
        baseline=baseline,
        candidate=candidate,
        change=Interval(estimate=estimate, low=low, high=high),
        method="duet: e-process on the log ratios of paired blocks of 250 requests",
        margin=margin,
        n=6000,
    )


def objective(outcome: Outcome, p99: float) -> Finding:
    """Return the finding on the objective `p99 <= 150 ms`."""
    return Finding(
        id="objective-p99",
        metric="p99",
        outcome=outcome,
        reason=f"{31 if p99 < 150 else 214} of 6,000 requests took longer than 150 ms or failed (objective: 1 %).",
        docs="actions/latency/README.md#objectives",
        description="Objective of the policy on the candidate alone.",
        unit="ms",
        direction=Direction.LOWER,
        candidate=p99,
        method="exact binomial bound",
        margin=150.0,
        n=6000,
    )


def guard(name: str, outcome: Outcome, reason: str) -> Finding:
    """Return a finding about the measurement itself."""
    return Finding(
        id=f"guard-{name}",
        metric=name,
        outcome=outcome,
        reason=reason,
        docs="actions/latency/README.md#guards",
        n=6000,
    )


def errors(outcome: Outcome) -> Finding:
    """Return the finding on failed requests."""
    return Finding(
        id="error-ratio",
        metric="error-ratio",
        outcome=outcome,
        reason="3 of 6,000 requests failed only on the candidate and 1 only on the baseline, at most 0.17 % more with "
        "99 % confidence, within the 1 % allowed.",
        docs="actions/latency/README.md#the-verdict",
        unit="ratio",
        direction=Direction.LOWER,
        baseline=1 / 6000,
        candidate=3 / 6000,
        change=Interval(estimate=2 / 6000, high=0.00167),
        method="exact one-sided McNemar",
        margin=0.01,
        n=6000,
    )


def latency(*, slow: bool = False, leg: str = "") -> Evidence:
    """Return the evidence of a latency run."""
    if slow:
        findings = [
            quantile("p50", 41.2, (0.184, 0.151, 0.219), Outcome.FAIL, 0.02),
            quantile("p95", 88.0, (0.162, 0.104, 0.223), Outcome.FAIL, 0.03),
            quantile("p99", 131.0, (0.141, 0.02, 0.271), Outcome.INCONCLUSIVE, 0.05),
            objective(Outcome.FAIL, 157.2),
        ]
    else:
        findings = [
            quantile("p50", 41.2, (0.004, -0.011, 0.021), Outcome.PASS, 0.02),
            quantile("p95", 88.0, (0.012, -0.02, 0.047), Outcome.PASS, 0.03),
            quantile("p99", 131.0, (-0.013, -0.062, 0.041), Outcome.PASS, 0.05),
            objective(Outcome.PASS, 129.4),
        ]
    findings += [errors(Outcome.PASS), guard("split", Outcome.PASS, "Each arm was offered 6,000 requests.")]
    findings += [guard("lateness", Outcome.PASS, "0.02 % of the requests were sent more than 10 ms late.")]
    scale = 1.18 if slow else 1.0
    values = {"mean": 47.1, "p50": 41.2, "p90": 71.9, "p95": 88.0, "p99": 131.0, "p99.9": 219.3, "max": 1402.7}
    return evidence(
        "latency",
        findings,
        leg=leg,
        measurements=[
            Measurement(id="response-time", arm="baseline", unit="ms", n=6000, values=dict(values)),
            Measurement(
                id="response-time", arm="candidate", unit="ms", n=6000, values={k: v * scale for k, v in values.items()}
            ),
        ],
        not_measured=[NotMeasured(what="cold start", why="the first 5 s are warm-up and are discarded")],
        details=latency_details(),
    )


def latency_details() -> LatencyDetails:
    """Return the details of a latency run without failures."""
    settings = LatencySettings(
        slots=[Slot(arm="baseline", url="http://base:8000"), Slot(arm="candidate", url="http://head:8000")],
        requests=[
            RequestSettings(name="", method="POST", path="/predict", weight=1.0, timeout_s=5.0, headers=["accept"])
        ],
        arrivals=Arrivals(rate=200.0, duration=30.0),
        requests_per_arm=PlannedRequests(warmup=1000, planned=6000, extension=0),
        connections=64,
        payloads=500,
        margins={},
    )
    generator = GeneratorDetails(
        late_share=0.0002,
        late_blocks_share=0.0,
        achieved_share=1.0,
        lateness_p50_ms=0.04,
        lateness_p99_ms=0.61,
        lateness_max_ms=11.2,
        timer="timerfd",
        answers_timed_by="kernel",
        answers_not_stamped=[0, 0],
        priority="nice",
        priority_raised=True,
        requests_sent=7000,
        connections=[21, 24],
        waited_for_a_connection=[0, 0],
        token_gaps_dropped=[0, 0],
        began=1_772_625_600.0,
    )
    return LatencyDetails(settings=settings, judged_per_arm=6000, endpoints=[], failures={}, generator=generator)


def metric(name: str, values: tuple[float, float], spread: float, outcome: Outcome, **fields: Any) -> Finding:
    """Return a finding of the prediction diff whose change is an absolute difference."""
    before, after = values
    change = after - before
    defaults: dict[str, Any] = {
        "id": f"regression-{name}",
        "metric": name,
        "outcome": outcome,
        "baseline": before,
        "candidate": after,
        "unit": "ratio",
        "direction": Direction.HIGHER,
        "margin": 0.005,
        "n": 32_735,
        "change": Interval(estimate=change, low=change - spread, high=change + spread),
        "method": "McNemar mid-p",
        "docs": "actions/regression/README.md#metrics",
        "reason": f"{name} changed by {100 * change:+.2f} points (between {100 * (change - spread):+.2f} and "
        f"{100 * (change + spread):+.2f} with 98 % confidence); 0.5 points are allowed.",
    }
    return Finding(**{**defaults, **fields})


CURVE = (
    (10.0, "pass", 13.535, 58.042, 84.745, 1.0, 0.19812, 696),
    (20.0, "pass", 13.787, 61.622, 93.737, 1.0, 0.42296, 694),
    (40.0, "pass", 17.935, 73.159, 105.96, 1.0, 0.9856, 2772),
    (51.874, "pass", 18.578, 76.145, 112.1, 1.0, 1.3566, 2775),
    (67.272, "unsure", 26.25, 99.119, 142.13, 1.0, 2.3772, 11091),
    (76.608, "unsure", 33.932, 119.25, 162.9, 1.0, 3.3369, 3060),
    (80.0, "fail", 41.994, 158.38, 252.73, 1.0, 4.5116, 12807),
    (95.138, "fail", 114.79, 435.68, 501.26, 0.99817, 15.309, 3819),
    (113.14, "fail", 1638.8, 2281.9, 2345.1, 0.81699, 143.86, 1142),
    (160.0, "fail", 4279.5, 6856.0, None, 0.55674, 378.69, 1595),
)
"""Curve of one search on a queue of two workers with 20 ms per request; in the last row, requests failed too."""


def capacity() -> Evidence:
    """Return the evidence of a capacity search."""
    finding = Finding(
        id="capacity",
        metric="capacity",
        outcome=Outcome.PASS,
        reason="The capacity lies between 51.874/s, where the objectives are shown to hold, and 80/s, where they are "
        "shown to be missed; the service (its response time) was the limit. 500/s with 30% headroom need 14 such "
        "replicas.",
        docs="actions/capacity/README.md#how-it-decides",
        description="The highest arrival rate at which the objectives are shown to hold.",
        unit="1/s",
        direction=Direction.HIGHER,
        candidate=51.874,
        method="geometric ramp and bisection with Poisson probes",
        n=114357,
    )
    times: dict[str, float | None] = {"mean": 26.191, "p50": 18.578, "p90": 61.015, "p95": 76.145, "p99": 112.1}
    return evidence(
        "capacity",
        [finding],
        measurements=[
            Measurement(id="capacity", arm="candidate", unit="1/s", n=114357, values={"low": 51.874, "high": 80.0}),
            Measurement(id="response-time", arm="candidate", unit="ms", n=2775, values=times),
        ],
        not_measured=[NotMeasured(what="response time predicted at 200/s", why="the rate lies beyond the law's peak")],
        details=capacity_details(),
    )


def capacity_details() -> CapacityDetails:
    """Return the details of a capacity search."""
    keys = ("rate", "standing", "p50_ms", "p95_ms", "p99_ms", "achieved", "in_flight", "n")
    unknown = Interval()
    return CapacityDetails(
        result=CapacityResult(
            low=51.874,
            high=80.0,
            width=0.5422,
            limited_by="service",
            replicas=14,
            demand=500.0,
            headroom=0.3,
            budget_used_s=1203.4,
            requests_sent=114_357,
        ),
        curve=[msgspec.convert({**dict(zip(keys, row, strict=True)), "errors": 0.0}, CurvePoint) for row in CURVE],
        probes=[],
        law=LawDetails(
            rate=Interval(estimate=41.016, low=40.017, high=41.94),
            sigma=unknown,
            kappa=unknown,
            peak_concurrency=unknown,
            peak_throughput=unknown,
            residual=0.021,
            probes=34,
            interval="bootstrap",
        ),
        predicted=[Prediction(rate=50.0, estimate_ms=27.907, low_ms=27.006, high_ms=28.94, basis="interpolated")],
        settings=CapacitySettings(
            url="http://head:8000",
            requests="GET /predict",
            objectives=Objectives(quantiles={"p99": 0.2}, errors=0.01),
            samples_for_a_pass=458,
            connections=256,
            policy=Capacity(),
        ),
        generator=CapacityGenerator(crowded=False),
    )


def subgroup(name: str, change: float, p: float, outcome: Outcome | None, **fields: Any) -> SubgroupRow:
    """Return a tested subgroup whose accuracy in the baseline is 83 %."""
    defaults: dict[str, Any] = {
        "subgroup": name,
        "dataset": "",
        "metric": "accuracy",
        "rows": 5462,
        "baseline": 0.83,
        "candidate": 0.83 + change,
        "change": change,
        "low": change - 0.02,
        "high": change + 0.02,
        "p": p,
        "holm": min(1.0, 100 * p),
        "bh": min(1.0, 10 * p),
        "outcome": outcome,
    }
    return SubgroupRow(**{**defaults, **fields})


def regression(*, broken: bool = False, leg: str = "") -> Evidence:
    """Return the evidence of a prediction diff, with slices and windows."""
    loss_change = Interval(estimate=0.002, low=-0.0011, high=0.0051)
    findings = [
        metric("accuracy", (0.8123, 0.8119), 0.0018, Outcome.PASS),
        metric("auc", (0.8634, 0.8631), 0.0011, Outcome.PASS, unit=""),
        metric(
            "log-loss",
            (0.4031, 0.4039),
            0.0,
            Outcome.PASS,
            direction=Direction.LOWER,
            margin=0.01,
            change=loss_change,
            reason="log-loss rose by 0.20 % (between -0.11 % and 0.51 % with 98 % confidence); 1 % is allowed.",
        ),
        metric("positive-rate", (0.241, 0.2432), 0.002, Outcome.PASS, direction=Direction.TARGET, margin=0.01),
    ]
    if broken:
        findings[0] = metric("accuracy", (0.8123, 0.7961), 0.0021, Outcome.FAIL)
        findings += [
            metric("accuracy", (0.83, 0.741), 0.02, Outcome.FAIL, slice={"carrier": "B6"}, n=5462),
            metric("accuracy", (0.81, 0.762), 0.03, Outcome.WARN, slice={"carrier": "EV", "origin": "JFK"}, n=1403),
            metric("accuracy", (0.80, 0.755), 0.025, Outcome.FAIL, window="2013-11-01", n=2714),
        ]
    slices = [
        subgroup("carrier = B6", -0.089, 2.1e-12, Outcome.FAIL if broken else Outcome.PASS),
        subgroup("carrier = EV", -0.011, 0.08, Outcome.PASS, rows=5190),
    ]
    return evidence(
        "regression",
        findings,
        leg=leg,
        not_measured=[NotMeasured(what="3 slices of `carrier`", why="fewer than 200 rows each: AS, HA, OO")],
        details=RegressionDetails(slices=slices),
    )


def evidence(command: str, findings: list[Finding], **fields: Any) -> Evidence:
    """Return evidence whose outcome follows from its findings."""
    outcome, code, reason = conclude(findings)
    defaults: dict[str, Any] = {"outcome": outcome, "reason_code": code, "reason": reason, "provenance": provenance()}
    return Evidence(**{"command": command, "findings": findings, **defaults, **fields})


def loaded(*files: Evidence) -> list[Loaded]:
    """Return evidence as it is read from a folder, with a digest that does not depend on the fields of the types."""
    return [
        Loaded(
            f"{file.command}-{file.leg}.json" if file.leg else f"{file.command}.json",
            hashlib.sha256(evidence_label(file.command, file.leg).encode(errors="replace")).hexdigest(),
            file,
            "",
        )
        for file in files
    ]


def merged(
    *files: Evidence, extra: tuple[Loaded, ...] = (), required: tuple[str, ...] = ("latency", "regression")
) -> Verdict:
    """Return the verdict over sample evidence."""
    legs = {name: tuple(f.leg for f in files if f.command == name and satisfies(f)) for name in required}
    rules = Rules(
        commit=HEAD,
        required=required,
        now=NOW,
        max_age=7 * 86400.0,
        repository="acme/click-scorer",
        legs={name: values for name, values in legs.items() if values},
    )
    # The numbers of the samples are chosen for their layout, so that they do not follow from each other.
    with patch("ghmlops.core.verdict.merge.contradictions", return_value=[]):
        return merge([*loaded(*files), *extra], rules, service="click-scorer")


def report(*files: Evidence, facts: Facts = FACTS, **options: Any) -> Report:
    """Return the laid-out report over sample evidence."""
    return lay_out(merged(*files, required=facts.required, **options), files, facts)


def unreadable() -> Loaded:
    """Return a file that is not evidence."""
    return Loaded("latency.json", "", None, "it is not readable as ghmlops/evidence/v1: truncated")


def many_findings(number: int) -> Evidence:
    """Return a prediction diff with `number` findings on slices, half of them failures."""
    findings = [
        metric(
            "accuracy",
            (0.8, 0.8 - 0.00003 * (i % 500)),
            0.002,
            Outcome.FAIL if i % 500 > 250 else Outcome.PASS,
            slice={"campaign": f"campaign-{i:05d}"},
            n=200 + i,
        )
        for i in range(number)
    ]
    return evidence("regression", findings)
