"""Logs joined by request id: every live request is compared or dropped with a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.shadow.test_comparison import answer
from ghmlops.core.answers.constants import TEST_ALPHA
from ghmlops.core.answers.places import judge_places
from ghmlops.core.model import Outcome
from ghmlops.core.policy.before_traffic.shadow import AccessLogs, Shadow
from ghmlops.core.shadow.comparison import Comparison
from ghmlops.core.shadow.findings import findings
from ghmlops.core.shadow.joined import ArmLog, compare_logs
from ghmlops.core.shadow.logged import LoggedAnswer
from ghmlops.core.shadow.outcome import Run

N = 40
ARMS_OF_LOGS = ("live", "twin", "candidate")


def logged(
    number: int, body: bytes = b"{}", status: int = 200, path: str = "/p", *, has_body: bool = True
) -> LoggedAnswer:
    """Return an answer of a log."""
    return LoggedAnswer(f"id-{number}", "POST", path, answer(body, status), has_body)


def log(*answers: LoggedAnswer) -> ArmLog:
    """Return a log of an arm."""
    return ArmLog(rows=list(enumerate(answers, 1)))


def run_of(live: ArmLog, candidate: ArmLog, twin: ArmLog | None = None) -> Run:
    """Return the run of joined logs; every live request is accounted for."""
    comparison = Comparison()
    compare_logs(comparison, live, candidate, twin, [])
    verdicts = judge_places(comparison.tallies, TEST_ALPHA)
    dropped = sum(drop.requests for drop in comparison.losses.values())
    assert comparison.compared + dropped == len(live.rows) + len(live.unreadable)
    policy = Shadow(access_logs=AccessLogs(live="l", candidate="c"), twin=twin is not None, expect="same")
    return Run(policy=policy, comparison=comparison, verdicts=verdicts)


def outcomes(run: Run) -> dict[str, Outcome]:
    """Return the outcome of each finding."""
    return {finding.id.removeprefix("shadow-"): finding.outcome for finding in findings(run)}


def test_each_lost_request_has_its_reason() -> None:
    """Missing, repeated, foreign and unreadable lines are dropped by kind; lines without a live request are counted."""
    live = log(*(logged(i) for i in range(N)), logged(5), logged(100))
    live.unreadable[99] = "no JSON"
    mirrored = [logged(i) for i in range(N) if i != 3]
    mirrored[9] = logged(10, path="/other")
    run = run_of(live, log(*mirrored, logged(20), logged(900), logged(100, status=500)))
    assert {reason: drop.requests for reason, drop in run.comparison.losses.items()} == {
        "live: unreadable: no JSON": 1,
        "live: request id repeated": 2,
        "candidate: no mirrored request": 1,
        "candidate: id of another request": 1,
        "candidate: request id repeated": 1,
    }
    assert run.comparison.orphans == 1
    assert outcomes(run)["coverage"] is Outcome.INCONCLUSIVE


def test_a_twin_decides_whether_values_may_fail() -> None:
    """A changed value fails next to a second mirror, and warns without one, whose noise is unknown."""
    live, changed = log(*map(logged, range(N))), log(*(logged(i, b"[1]") for i in range(N)))
    assert outcomes(run_of(live, changed, live))["shape"] is Outcome.FAIL
    assert outcomes(run_of(live, changed))["shape"] is Outcome.WARN
    assert set(outcomes(run_of(live, live)).values()) == {Outcome.PASS}


@pytest.mark.parametrize(("live_errors", "errors", "expected"), [(0, 20, Outcome.FAIL), (20, 20, Outcome.PASS)])
def test_errors_of_two_logs_are_judged_both_ways(live_errors: int, errors: int, expected: Outcome) -> None:
    """The candidate fails only if it has errors where the live service has none, and not the reverse as often."""
    live = log(*(logged(i, status=500 if i < live_errors else 200) for i in range(80)))
    candidate = log(*(logged(i, status=500 if i >= 80 - errors else 200) for i in range(80)))
    assert outcomes(run_of(live, candidate))["errors"] is expected


def test_unknown_bodies_are_no_agreement() -> None:
    """Without bodies, statuses and content types are compared; shape and values are inconclusive."""
    result = outcomes(run_of(log(*map(logged, range(N))), log(*(logged(i, b"", has_body=False) for i in range(N)))))
    assert (result["errors"], result["coverage"]) == (Outcome.PASS, Outcome.PASS)
    assert (result["shape"], result["values"]) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)


def without_bodies(rows: range, *, status: int = 200) -> ArmLog:
    """Return a log that lacks the body of some rows, although it has those of the others."""
    return log(
        *(
            logged(i, b"" if i in rows else b"{}", status if i in rows else 200, has_body=i not in rows)
            for i in range(N)
        )
    )


@pytest.mark.parametrize("lacking", ["live", "twin", "candidate"])
def test_a_body_that_one_log_lacks_is_not_compared(lacking: str) -> None:
    """A row without one of its bodies is lost with a reason: nothing is known about its values, so coverage says so."""
    rows = range(0, N, 2)
    logs = {arm: without_bodies(rows) if arm == lacking else log(*map(logged, range(N))) for arm in ARMS_OF_LOGS}
    run = run_of(logs["live"], logs["candidate"], logs["twin"])
    reason = f"{lacking}: body not logged"
    assert [(why, drop.requests, drop.example) for why, drop in run.comparison.losses.items()] == [
        (reason, len(rows), "row 1")
    ]
    assert (run.comparison.compared, run.comparison.bodies) == (N - len(rows), N - len(rows))
    assert outcomes(run)["coverage"] is Outcome.INCONCLUSIVE
    assert outcomes(run)["errors"] is Outcome.PASS


def test_rows_whose_body_no_log_has_are_not_compared() -> None:
    """Answers without a length in all logs are no agreement either, next to others with bodies."""
    some = without_bodies(range(0, N, 2))
    run = run_of(some, some, some)
    assert outcomes(run)["coverage"] is Outcome.INCONCLUSIVE
    assert run.comparison.compared == N // 2


def test_failures_need_no_body() -> None:
    """A candidate that fails on the rows whose body is not in its log fails; such a row is compared."""
    live = log(*map(logged, range(N)))
    run = run_of(live, without_bodies(range(0, N, 2), status=500), live)
    assert outcomes(run)["errors"] is Outcome.FAIL
    assert (run.comparison.compared, run.comparison.losses) == (N, {})


def test_a_content_type_needs_no_body() -> None:
    """What is known about a row whose body is not in the log still counts."""
    live, html = log(*map(logged, range(N))), without_bodies(range(0, N, 2))
    html.rows = [
        (row, one if one.has_body else one._replace(answer=replace(one.answer, media_type="text/html")))
        for row, one in html.rows
    ]
    assert outcomes(run_of(live, html, live))["shape"] is Outcome.FAIL
