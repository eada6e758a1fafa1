"""The plan and the stopping rule of a latency run, on blocks made by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.constants import BLOCK_SIZE
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.stopping import Block, Judge, Plan, make_plan
from ghmlops.core.policy.latency import Arrivals, Latency, Trace
from ghmlops.core.policy.objectives import Objectives


def arm(seconds: float | list[float], kind: Kind = Kind.OK, failures: int = 0) -> Answers:
    """Return one arm's block; the first `failures` requests have the result `kind`."""
    done = np.full(BLOCK_SIZE, seconds) if isinstance(seconds, float) else np.array(seconds)
    zero = np.zeros(len(done))
    kinds = np.zeros(len(done), np.uint8)
    kinds[:failures] = kind
    return Answers(scheduled=zero, sent=zero, first=zero, done=done, status=np.zeros(len(done), np.uint16), kind=kinds)


def until_stop(judge: Judge, candidate: Answers, baseline: Answers | None, max_blocks: int = 400) -> int:
    """Feed the same block until the judge stops; return the number of blocks."""
    for blocks in range(1, max_blocks + 1):
        if not judge.feed(Block(candidate=candidate, baseline=baseline)):
            return blocks
    raise AssertionError("the judge never stopped")


def policy(requests: int, slo: Objectives | None = None, model: str = "poisson") -> Latency:
    arrivals = Arrivals(model="constant" if model == "constant" else "poisson", rate=100.0, duration=requests / 100.0)
    return Latency(arrivals=arrivals, slo=slo or Objectives())


def judge_of(latency: Latency, *, paired: bool = True) -> Judge:
    return Judge(latency, make_plan(latency, 1, paired=paired))


@pytest.mark.parametrize("model", ["poisson", "constant"])
@pytest.mark.parametrize(
    ("requests", "planned", "pairs", "extension"),
    [(6100, 6000, 24, 6000), (20_000, 18_000, 72, 18_000), (250, 250, 1, 250), (249, 249, 0, 0)],
)
def test_plan_with_a_baseline(model: str, requests: int, planned: int, pairs: int, extension: int) -> None:
    """A plan has complete blocks, at most 72 pairs, and an extension of equal length, in one ascending schedule."""
    latency = policy(requests, model=model)
    plan = make_plan(latency, 1, paired=True)
    assert (planned, pairs, extension, 500) == (plan.planned, plan.pairs, plan.extension, plan.warmup)
    assert planned + extension + 500 == len(plan.times)
    assert bool((np.diff(plan.times) >= 0).all())
    assert float(plan.times[plan.warmup]) >= latency.arrivals.warmup


def test_plan_without_a_baseline() -> None:
    """The plan contains every request of the policy's duration, and no extension."""
    plan = make_plan(policy(6123), 1, paired=False)
    assert (plan.planned, plan.pairs, plan.extension) == (6123, 0, 0)


def test_no_change_stops_early() -> None:
    """Equal arms pass after a few of the 24 planned pairs."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.01), arm(0.01)) == judge.duet.decided_at < 24
    assert (judge.duet.decision, judge.extended) == ("pass", False)


def test_slower_stops_early() -> None:
    """A candidate that is 50 % slower fails after a few pairs."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.015), arm(0.01)) < 24
    assert judge.duet.decision == "fail"


def test_undecided_is_extended_once() -> None:
    """An undecided run is extended to twice its plan and then stops."""
    judge = judge_of(policy(1000))
    assert until_stop(judge, arm(0.011), arm(0.01)) == 8
    assert (judge.duet.decision, judge.extended, judge.judged) == ("", True, 2000)


def test_a_decided_run_continues_to_its_sample_floors() -> None:
    """With an objective on p99.9 the run continues to its floor of 6,636 requests after the duet has decided."""
    judge = judge_of(policy(9000, Objectives(quantiles={"p99.9": 1.0})))
    assert until_stop(judge, arm(0.01), arm(0.01)) == 27
    assert judge.duet.decided_at < 10
    assert judge.looks == 1


def test_unreachable_floors_do_not_extend_a_run() -> None:
    """An objective that no plan of 3,000 requests can show does not lengthen the run."""
    judge = judge_of(policy(3000, Objectives(quantiles={"p99.9": 1.0})))
    assert until_stop(judge, arm(0.01), arm(0.01)) == judge.duet.decided_at


def test_an_undecided_objective_takes_the_full_plan_and_no_more() -> None:
    """An objective undecided at its early look is judged at the end of the plan, which is not extended."""
    close = [0.01] * 247 + [0.3] * 3
    judge = judge_of(policy(6000, Objectives(quantiles={"p99": 0.2})))
    assert until_stop(judge, arm(close), arm(close)) == 24
    assert (judge.duet.decision, judge.looks, judge.extended) == ("pass", 1, False)


def test_a_failed_duet_does_not_wait_for_undecided_objectives() -> None:
    """After a failure, the run stops at the sample floors."""
    close = [0.02] * 247 + [0.3] * 3
    judge = judge_of(policy(6000, Objectives(quantiles={"p99": 0.2})))
    assert until_stop(judge, arm(close), arm(0.01)) < 24


def test_without_a_baseline_the_plan_is_completed() -> None:
    """Objectives alone are judged once, at the end; the last block may be shorter."""
    judge = judge_of(policy(1100, Objectives(errors=0.01)), paired=False)
    sizes = [250] * 4 + [100]
    continues = [judge.feed(Block(candidate=arm([0.01] * size), baseline=None)) for size in sizes]
    assert continues == [True] * 4 + [False]
    assert judge.judged == 1100


def test_a_block_with_too_few_responses_is_missing_and_stops_the_run() -> None:
    """If more than a fifth of a block failed, its quantiles are not compared, and the run stops."""
    judge = judge_of(policy(6000))
    assert until_stop(judge, arm(0.01, Kind.STATUS, failures=51), arm(0.01)) == 1
    assert (judge.missing, judge.duet.pairs) == (1, 0)


def test_a_few_failures_leave_out_their_pairs_of_requests() -> None:
    """Up to a fifth of a block may fail; these requests are left out on both arms."""
    judge = judge_of(policy(6000))
    slow_where_failed = [9.0] * 50 + [0.01] * 200
    until_stop(judge, arm(slow_where_failed, Kind.STATUS, failures=50), arm(0.01))
    assert (judge.duet.decision, judge.missing) == ("pass", 0)


def test_timeouts_count_as_slow() -> None:
    """A request that timed out took at least that long: 2 % of timeouts make the p99 fail."""
    judge = judge_of(policy(6000))
    timed_out = [10.0] * 5 + [0.01] * 245
    until_stop(judge, arm(timed_out, Kind.TIMEOUT, failures=5), arm(0.01))
    assert judge.duet.decision == "fail"
    assert judge.duet.ratio("p99").failed


def test_a_plan_without_a_complete_block_stops_at_its_end() -> None:
    """249 requests form no pair of blocks: the judge stops after them, undecided."""
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
def test_shaped_demand_is_planned_in_full(name: str) -> None:
    """Every complete block is a pair, beyond 72 too, without extension; a replay keeps the recorded gaps."""
    latency = msgspec.structs.replace(policy(100), arrivals=SHAPES[name])
    plan = make_plan(latency, 1, paired=True, trace=RECORDED if name == "replay" else None)
    assert (plan.full_schedule, plan.extension) == (True, 0)
    assert (18_000 if name == "ramp" else 18_125, 72) == (plan.planned, plan.pairs)
    assert bool((np.diff(plan.times) >= 0).all())
    longer = msgspec.structs.replace(SHAPES["ramp"], duration=90.0, curve=((0.0, 300.0), (90.0, 300.0)))
    assert make_plan(msgspec.structs.replace(latency, arrivals=longer), 1, paired=True).pairs == 108
    if name == "replay":
        assert np.allclose(np.diff(plan.times[plan.warmup :]), 1 / 300, atol=2e-6)


def shaped_judge(blocks: int, slo: Objectives | None = None) -> Judge:
    arrivals = Arrivals(model="ramp", rate=250.0, duration=float(blocks), curve=((0.0, 250.0), (float(blocks), 250.0)))
    return judge_of(Latency(arrivals=arrivals, slo=slo or Objectives()))


def test_shaped_demand_is_sent_to_its_end() -> None:
    """Neither a pass nor a failure nor a missing block stops a run of shaped demand."""
    for candidate in (arm(0.01), arm(0.02), arm(0.01, Kind.STATUS, failures=250)):
        assert until_stop(shaped_judge(20), candidate, arm(0.01)) == 20


def test_an_early_pass_does_not_hide_a_later_failure() -> None:
    """Equal for 30 blocks, then 50 % slower at the peak: the pass is lost, and the run fails."""
    judge = shaped_judge(90)
    decisions = []
    for block in range(90):
        slower = 0.015 if block >= 30 else 0.01
        assert judge.feed(Block(candidate=arm(slower), baseline=arm(0.01))) == (block < 89)
        decisions.append(judge.duet.decision)
    assert (decisions[29], decisions[44], decisions[-1]) == ("pass", "", "fail")


def test_an_early_failure_is_final() -> None:
    """A failure that was shown remains one, however long the arms are equal afterwards."""
    judge = shaped_judge(60)
    for block in range(60):
        judge.feed(Block(candidate=arm(0.015 if block < 15 else 0.01), baseline=arm(0.01)))
    assert judge.duet.decision == "fail"


def test_objectives_on_shaped_demand_are_judged_once() -> None:
    """There is no early look; the objectives are judged at the end."""
    judge = shaped_judge(8, Objectives(quantiles={"p99": 1.0}))
    until_stop(judge, arm(0.01), arm(0.01))
    assert judge.looks == 0


SHARDED = Latency(arrivals=Arrivals(model="poisson", rate=400.0, duration=30.0, warmup=1.0))


@pytest.mark.parametrize("count", [1, 3, 16])
def test_shards_together_send_the_total_schedule(count: int) -> None:
    """The shards together send each request of the total schedule once, including warm-up."""
    total = make_plan(SHARDED, 1, paired=True, shard=(1, 1))
    plans = [make_plan(SHARDED, 1, paired=True, shard=(k, count)) for k in range(1, count + 1)]
    together = np.sort(np.concatenate([plan.times for plan in plans]))
    assert np.array_equal(total.times, together)
    assert total.warmup == sum(plan.warmup for plan in plans) == 400
    indices = np.sort(np.concatenate([plan.part.indices for plan in plans if plan.part]))
    assert np.array_equal(np.arange(len(total.times)), indices)
    assert all(plan.full_schedule and not plan.extension for plan in plans)


def test_a_run_without_shards_sends_the_start_of_the_same_schedule() -> None:
    """The planned requests of a run without shards are the first ones of the total schedule."""
    total, alone = make_plan(SHARDED, 1, paired=True, shard=(1, 1)), make_plan(SHARDED, 1, paired=True)
    n = alone.warmup + alone.planned
    assert np.array_equal(alone.times[:n], total.times[:n])
