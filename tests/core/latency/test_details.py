"""Measurements and details of a latency run, and what was not measured."""

from __future__ import annotations

import msgspec

from ghmlops.core.details.latency import FailureKind
from ghmlops.core.latency.details import (
    duet_details,
    failure_details,
    generator_details,
    measurements,
    not_measured,
)
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.shards.tally_file import pack
from ghmlops.core.policy.latency import Arrivals
from latency_runs import POLICY, arm, findings, judge_blocks, tally


def test_measurements_contain_successful_requests_only() -> None:
    """Percentiles are in ms over successful requests; p99.9 is null below 6,636 of them, all values are without any."""
    judge, run = judge_blocks(arm(6000, failures=10, kind=Kind.CLOSED), None)
    by_id = {m.id: m for m in measurements(tally((judge, run)))}
    assert list(by_id) == ["response-time", "service-time", "lateness"]
    response = by_id["response-time"]
    assert ("candidate", "ms", len(run.candidate) - 10) == (response.arm, response.unit, response.n)
    assert list(response.values) == ["mean", "p50", "p90", "p95", "p99", "p99.9", "max"]
    assert (response.values["p99"], response.values["p99.9"]) == (10.0, None)
    assert {0.1} == {v for v in by_id["lateness"].values.values() if v is not None}
    failed = tally(judge_blocks(arm(250, failures=250, kind=Kind.REFUSED), None))
    assert {None} == set(measurements(failed)[0].values.values())


def test_failures_are_counted_by_kind_with_an_example() -> None:
    """Details contain the number of judged requests, their statuses by code, and one example per kind."""
    total = tally(judge_blocks(arm(500, failures=7, kind=Kind.STATUS), None))
    details = failure_details(total, {"candidate": {"status": "HTTP/1.1 503 X oops"}})
    status = FailureKind(count=7, example="HTTP/1.1 503 X oops", codes={"503": 7})
    assert {"candidate": {"status": status}} == details


def test_not_measured_lists_what_is_missing() -> None:
    """No baseline, no objectives, too few for p99.9, failed requests, a duration beyond 72 pairs: each is listed."""
    alone = tally(judge_blocks(arm(500, failures=7, kind=Kind.STATUS), None))
    assert [row.what for row in not_measured(alone, POLICY)] == [
        "latency against a baseline",
        "objectives on the candidate",
        "p99.9 of the candidate",
        "response times of 7 requests",
    ]
    long = msgspec.structs.replace(POLICY, arrivals=Arrivals(model="constant", rate=200.0, duration=100.0))
    both = tally(judge_blocks(arm(500), arm(500), long), long)
    assert "2,000 requests of the policy's duration" in [row.what for row in not_measured(both, long)]


def test_evidence_is_json_without_nan() -> None:
    """Everything that a run leaves can be encoded as JSON, even if there was no response."""
    for run in (judge_blocks(arm(6000), arm(6000)), judge_blocks(arm(0), arm(0))):
        total = tally(run)
        content = [list(findings(run).values()), generator_details(total), pack(total)]
        encoded = msgspec.json.encode([*content, duet_details(total, POLICY, extended=False)])
        assert b"NaN" not in encoded
        assert b"Infinity" not in encoded
