"""When a latency run goes on and when it stops, over blocks made by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers, Kind
from ghmlops.core.latency.duet import BLOCK
from ghmlops.core.latency.stopping import Block, Judge, Plan, make_plan
from ghmlops.core.policy.latency import Arrivals, Latency, Trace
from ghmlops.core.policy.objectives import Objectives


def arm(seconds: float | list[float], kind: Kind = Kind.OK, bad: int = 0) -> Answers:
    """One arm's block; the first `bad` requests ended as `kind`."""
    done = np.full(BLOCK, seconds) if isinstance(seconds, float) else np.array(seconds)
    zero = np.zeros(len(done))
    kinds = np.zeros(len(done), np.uint8)
    kinds[:bad] = kind
    return Answers(scheduled=zero, sent=zero, first=zero, done=done, status=np.zeros(len(done), np.uint16), kind=kinds)


def until_stop(judge: Judge, candidate: Answers, baseline: Answers | None, most: int = 400) -> int:
    """Feed the same block until the judge has enough; return how many it took."""
    for blocks in range(1, most + 1):
        if not judge.feed(Block(candidate=candidate, baseline=baseline)):
            return blocks
    raise AssertionError("never stopped")


def policy(requests: int, slo: Objectives | None = None, model: str = "poisson") -> Latency:
    arrivals = Arrivals(model="constant" if model == "constant" else "poisson", rate=100.0, duration=requests / 100.0)
    return Latency(arrivals=arrivals, slo=slo or Objectives())


def judge_of(given: Latency, *, paired: bool = True) -> Judge:
    return Judge(given, make_plan(given, 1, paired=paired))


@pytest.mark.parametrize("model", ["poisson", "constant"])
@pytest.mark.parametrize(
    ("requests", "planned", "pairs", "extension"),
    [(6100, 6000, 24, 6000), (20_000, 18_000, 72, 18_000), (250, 250, 1, 250), (249, 249, 0, 0)],
)
def test_plan_with_a_baseline(model: str, requests: int, planned: int, pairs: int, extension: int) -> None:
    """Whole blocks, at most 72 pairs, as many again in reserve, all in one ascending schedule after the warm-up."""
    given = policy(requests, model=model)
    plan = make_plan(given, 1, paired=True)
    assert (planned, pairs, extension, 500) == (plan.planned, plan.pairs, plan.extension, plan.warmup)
    assert planned + extension + 500 == len(plan.times)
    assert bool((np.diff(plan.times) >= 0).all())
    assert float(plan.times[plan.warmup]) >= given.arrivals.warmup


def test_plan_without_a_baseline() -> None:
    """Every request of the policy's duration, and no reserve."""
    plan = make_plan(policy(6123), 1, paired=False)
    assert (plan.planned, plan.pairs, plan.extension) == (6123, 0, 0)


def test_no_change_stops_early() -> None:
    """Equal arms pass after a few pairs of the plan's 24."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.01), arm(0.01)) == judge.duet.decided_at < 24
    assert (judge.duet.decision, judge.extended) == ("pass", False)


def test_slower_stops_early() -> None:
    """A candidate that is half as slow again fails after a few pairs."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.015), arm(0.01)) < 24
    assert judge.duet.decision == "fail"


def test_undecided_is_extended_once() -> None:
    """Where neither is shown, the run takes its plan twice and stops."""
    judge = judge_of(policy(1000))
    assert until_stop(judge, arm(0.011), arm(0.01)) == 8
    assert (judge.duet.decision, judge.extended, judge.judged) == ("", True, 2000)


def test_floors_hold_a_decided_run() -> None:
    """With an objective on p99.9 the run goes on to its floor of 6,636 requests, although the duet decided before."""
    judge = judge_of(policy(9000, Objectives(quantiles={"p99.9": 1.0})))
    assert until_stop(judge, arm(0.01), arm(0.01)) == 27
    assert judge.duet.decided_at < 10
    assert judge.looks == 1


def test_floors_that_the_plan_cannot_reach_do_not_hold() -> None:
    """An objective that no plan of 3,000 requests can show does not lengthen the run."""
    judge = judge_of(policy(3000, Objectives(quantiles={"p99.9": 1.0})))
    assert until_stop(judge, arm(0.01), arm(0.01)) == judge.duet.decided_at


def test_an_open_objective_takes_the_whole_plan_and_no_more() -> None:
    """Undecided at its one early look, an objective is looked at again at the end of the plan; nothing is extended."""
    close = [0.01] * 247 + [0.3] * 3
    judge = judge_of(policy(6000, Objectives(quantiles={"p99": 0.2})))
    assert until_stop(judge, arm(close), arm(close)) == 24
    assert (judge.duet.decision, judge.looks, judge.extended) == ("pass", 1, False)


def test_a_failed_duet_does_not_wait_for_open_objectives() -> None:
    """After a failure and the floors nothing is left to learn."""
    close = [0.02] * 247 + [0.3] * 3
    judge = judge_of(policy(6000, Objectives(quantiles={"p99": 0.2})))
    assert until_stop(judge, arm(close), arm(0.01)) < 24


def test_without_a_baseline_the_plan_is_run_whole() -> None:
    """Objectives alone are looked at once, at the end; a last block may be short."""
    judge = judge_of(policy(1100, Objectives(errors=0.01)), paired=False)
    sizes = [250] * 4 + [100]
    goes_on = [judge.feed(Block(candidate=arm([0.01] * size), baseline=None)) for size in sizes]
    assert goes_on == [True] * 4 + [False]
    assert judge.judged == 1100


def test_a_block_without_enough_answers_is_missing_and_ends_the_run() -> None:
    """More than a fifth failed: no quantile of this block is compared, and the run stops."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.01, Kind.STATUS, bad=51), arm(0.01)) == 1
    assert (judge.missing, judge.duet.pairs) == (1, 0)


def test_a_few_failures_leave_the_pairs_that_are_whole() -> None:
    """Up to a fifth of a block may fail: their pairs are left out on both arms."""
    judge = judge_of(policy(6000))
    slow_where_failed = [9.0] * 50 + [0.01] * 200
    until_stop(judge, arm(slow_where_failed, Kind.STATUS, bad=50), arm(0.01))
    assert (judge.duet.decision, judge.missing) == ("pass", 0)


def test_time_outs_count_as_slow() -> None:
    """A request that timed out took at least that long: 2 % of them make p99 fail, they are not dropped."""
    judge = judge_of(policy(6000))
    timed_out = [10.0] * 5 + [0.01] * 245
    until_stop(judge, arm(timed_out, Kind.TIMEOUT, bad=5), arm(0.01))
    assert judge.duet.decision == "fail"
    assert judge.duet.ratio("p99").failed


def test_a_plan_without_a_whole_block_stops_at_its_end() -> None:
    """249 requests make no pair of blocks: the judge takes them and stops, undecided."""
    plan = Plan(times=np.arange(249) / 100, warmup=0, planned=249, extension=0, pairs=0)
    judge = Judge(policy(249), plan)
    assert not judge.feed(Block(candidate=arm([0.01] * 249), baseline=arm([0.01] * 249)))
    assert judge.duet.decision == ""


SHAPES = {
    "ramp": Arrivals(model="ramp", rate=300.0, duration=60.0, curve=((0.0, 100.0), (60.0, 500.0))),
    "replay": Arrivals(model="replay", rate=0.0, duration=0.0, trace=Trace(file="access.log")),
}
RECORDED = np.arange(18_125) / 300.0


@pytest.mark.parametrize("name", list(SHAPES))
def test_demand_with_a_course_is_planned_whole(name: str) -> None:
    """No cap of 72 pairs, no reserve; every complete block is a pair; a replay keeps the recorded gaps."""
    given = msgspec.structs.replace(policy(100), arrivals=SHAPES[name])
    plan = make_plan(given, 1, paired=True, trace=RECORDED if name == "replay" else None)
    assert (plan.whole, plan.extension) == (True, 0)
    assert (18_000 if name == "ramp" else 18_125, 72) == (plan.planned, plan.pairs)
    assert bool((np.diff(plan.times) >= 0).all())
    longer = msgspec.structs.replace(SHAPES["ramp"], duration=90.0, curve=((0.0, 300.0), (90.0, 300.0)))
    assert make_plan(msgspec.structs.replace(given, arrivals=longer), 1, paired=True).pairs == 108
    if name == "replay":
        assert np.allclose(np.diff(plan.times[plan.warmup :]), 1 / 300, atol=2e-6)


def whole_judge(blocks: int, slo: Objectives | None = None) -> Judge:
    arrivals = Arrivals(model="ramp", rate=250.0, duration=float(blocks), curve=((0.0, 250.0), (float(blocks), 250.0)))
    return judge_of(Latency(arrivals=arrivals, slo=slo or Objectives()))


def test_a_course_is_gone_through_to_its_end() -> None:
    """Neither a pass nor a failure nor a missing block stops a run whose demand has a course."""
    for candidate in (arm(0.01), arm(0.02), arm(0.01, Kind.STATUS, bad=250)):
        assert until_stop(whole_judge(20), candidate, arm(0.01)) == 20


def test_an_early_pass_does_not_hide_a_later_failure() -> None:
    """Equal for 30 blocks, half as slow again at the peak that follows: what passed there passes no more, and fails."""
    judge = whole_judge(90)
    decisions = []
    for block in range(90):
        slower = 0.015 if block >= 30 else 0.01
        assert judge.feed(Block(candidate=arm(slower), baseline=arm(0.01))) == (block < 89)
        decisions.append(judge.duet.decision)
    assert (decisions[29], decisions[44], decisions[-1]) == ("pass", "", "fail")


def test_an_early_failure_stays() -> None:
    """Slower at first and equal for long after: a failure that was shown is not washed out."""
    judge = whole_judge(60)
    for block in range(60):
        judge.feed(Block(candidate=arm(0.015 if block < 15 else 0.01), baseline=arm(0.01)))
    assert judge.duet.decision == "fail"


def test_objectives_of_a_course_are_looked_at_once() -> None:
    """At its end and not before."""
    judge = whole_judge(8, Objectives(quantiles={"p99": 1.0}))
    until_stop(judge, arm(0.01), arm(0.01))
    assert judge.looks == 0
