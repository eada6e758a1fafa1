"""The finding about service times: the duet against baseline and twin, on simulated times."""

from __future__ import annotations

import numpy as np
import pytest

from ghmlops.core.model import Outcome
from ghmlops.core.policy.before_traffic.shadow import AccessLogs, Shadow, ShadowMargins
from ghmlops.core.policy.latency import DEFAULT_LATENCY_MARGINS
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.latency import latency_finding
from ghmlops.core.shadow.outcome import Run

DECLARED = ShadowMargins(latency=dict(DEFAULT_LATENCY_MARGINS))
LOGS = AccessLogs(live="live.jsonl", candidate="candidate.jsonl", twin="twin.jsonl")


def run_of(policy: Shadow, factors: tuple[float, float, float], requests: int, **more: object) -> Run:
    """Return a run whose arms have these factors on the same slow and fast requests."""
    rng = np.random.default_rng(7)
    comparison = Comparison()
    payloads = rng.normal(0, 0.3, requests)
    for times, factor in zip(comparison.seconds, factors, strict=True):
        times.extend(factor * 0.01 * np.exp(payloads + rng.normal(0, 0.2, requests)))
    return Run(policy=policy, comparison=comparison, verdicts=(), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("factors", "requests", "expected"),
    [
        ((1.0, 1.0, 1.0), 8000, Outcome.PASS),
        ((1.0, 1.0, 1.5), 4000, Outcome.FAIL),
        ((1.0, 1.5, 1.5), 4000, Outcome.INCONCLUSIVE),  # the place of a process makes as much
        ((1.0, 1.0, 1.5), 400, Outcome.INCONCLUSIVE),
        ((1.0, 1.0, 1.0), 0, Outcome.INCONCLUSIVE),
    ],
)
def test_a_declared_margin_is_judged_against_both_processes(
    factors: tuple[float, float, float], requests: int, expected: Outcome
) -> None:
    """Only a candidate that is slower than baseline and twin fails, and too few requests decide nothing."""
    finding = latency_finding(run_of(Shadow(requests="r", margins=DECLARED), factors, requests))
    assert finding is not None
    assert (finding.outcome, finding.n) == (expected, requests)
    if expected is Outcome.FAIL:
        assert finding.change is not None
        assert finding.change.low is not None
        assert 0.02 < finding.change.low < 0.5 < (finding.change.high or 0)
        assert (finding.candidate or 0) > 1.2 * (finding.baseline or 0)


def test_without_a_margin_a_slower_candidate_warns() -> None:
    """What nobody declared cannot fail, and what was not shown is no finding."""
    policy = Shadow(requests="r")
    slower = latency_finding(run_of(policy, (1.0, 1.0, 1.5), 4000))
    assert slower is not None
    assert slower.outcome is Outcome.WARN
    assert latency_finding(run_of(policy, (1.0, 1.0, 1.0), 4000)) is None


def test_a_repeated_run_judges_what_failed_before() -> None:
    """A run that repeats a failed one is no second chance to fail for another reason."""
    policy = Shadow(requests="r", margins=DECLARED)
    finding = latency_finding(run_of(policy, (1.0, 1.0, 1.5), 4000, places=frozenset(), slower_fails=False))
    assert finding is not None
    assert finding.outcome is Outcome.WARN


@pytest.mark.parametrize(
    ("twin", "factors", "expected"),
    [
        (True, (1.0, 1.5, 1.5), Outcome.PASS),
        (True, (1.5, 1.0, 1.5), Outcome.FAIL),
        (False, (1.0, 1.0, 1.5), Outcome.INCONCLUSIVE),
    ],
)
def test_of_logs_only_mirrored_requests_are_compared(
    twin: bool, factors: tuple[float, float, float], expected: Outcome
) -> None:
    """The live service answers under another load than a mirror: only a second mirror is comparable."""
    policy = Shadow(access_logs=LOGS, margins=DECLARED, twin=twin)
    finding = latency_finding(run_of(policy, factors, 8000))
    assert finding is not None
    assert (finding.outcome, finding.baseline) == (expected, None)
