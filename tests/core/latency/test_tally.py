"""Tallies: the sum of shards is one generator's, count for count; what is hostile or odd is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from ghmlops.core.details.latency import GeneratorDetails, LatencyDetails, LatencySettings, PlannedRequests, ShardRun
from ghmlops.core.details.tally import PackedTally
from ghmlops.core.errors import DataError, EvidenceError, InputError
from ghmlops.core.evidence.document import Evidence, Provenance
from ghmlops.core.histograms.histogram import Histogram
from ghmlops.core.histograms.hlog import read_log
from ghmlops.core.latency import details as latency_evidence
from ghmlops.core.latency.answers import Answers, Kind, Tokens
from ghmlops.core.latency.duet import BLOCK
from ghmlops.core.latency.findings import judge_tally
from ghmlops.core.latency.interval_log import counted, log_of, sum_logs
from ghmlops.core.latency.shard_check import contradiction, planned
from ghmlops.core.latency.shards import (
    LATE_START,
    Shard,
    check_alike,
    judge_shards,
    parse_shard,
    parse_start,
    read_shard,
    shard_findings,
    shard_leg,
    sum_up,
)
from ghmlops.core.latency.stopping import Block, Judge, Plan, make_plan
from ghmlops.core.latency.tally import Run, Tally, tally_of
from ghmlops.core.latency.tally_file import pack, unpack
from ghmlops.core.model import Outcome
from ghmlops.core.policy.latency import Arrivals, Latency, Request, Trace
from ghmlops.core.policy.objectives import Objectives

POLICY = Latency(
    arrivals=Arrivals(model="poisson", rate=400.0, duration=30.0, warmup=1.0),
    slo=Objectives(quantiles={"p99": 0.2}, errors=0.02),
)
STREAM = msgspec.structs.replace(
    POLICY,
    stream="sse",
    mix=(Request(name="a"), Request(name="b", weight=3.0)),
    slo=Objectives(first_token={"p95": 0.05}, token_gap={"p99": 0.03, "p50": 0.01}),
)


def answered(times: np.ndarray[Any, Any], *, seed: int, slower: float = 1.0, stream: bool = False) -> Answers:
    """Answers to a schedule: log-normal times around 10 ms, three in a thousand fail; streams have 1 to 8 tokens."""
    rng = np.random.default_rng(seed)
    n = len(times)
    response = rng.lognormal(np.log(0.010 * slower), 0.4, n)
    kind = rng.choice([Kind.OK, Kind.STATUS, Kind.TIMEOUT], n, p=[0.997, 0.002, 0.001]).astype(np.uint8)
    sent = times + rng.exponential(1e-4, n)
    tokens = None
    if stream:
        count = np.where(kind == Kind.OK, rng.integers(1, 9, n), 0).astype(np.uint32)
        gap_of = np.repeat(np.arange(n), np.maximum(count, 1) - 1).astype(np.uint32)
        gap = rng.exponential(0.005, len(gap_of)).astype(np.float32)
        first = np.where(count > 0, times + response, 0.0)
        last = first + np.bincount(gap_of, gap.astype(np.float64), n).astype(np.float64)
        tokens = Tokens(first=first, last=last, count=count, gap=gap, gap_of=gap_of)
    return Answers(
        scheduled=times,
        sent=sent,
        first=times + response / 2,
        done=times + response,
        status=np.where(kind == Kind.STATUS, rng.choice([500, 503], n), 200).astype(np.uint16),
        kind=kind,
        endpoint=rng.integers(0, 2, n).astype(np.uint8),
        tokens=tokens,
    )


def picked(answers: Answers, places: np.ndarray[Any, Any]) -> Answers:
    """The answers of some requests, renumbered."""
    columns = ("scheduled", "sent", "first", "done", "status", "kind", "endpoint")
    tokens = answers.tokens
    if tokens is not None:
        mine = np.isin(tokens.gap_of, places)
        tokens = Tokens(
            first=tokens.first[places],
            last=tokens.last[places],
            count=tokens.count[places],
            gap=tokens.gap[mine],
            gap_of=np.searchsorted(places, tokens.gap_of[mine]).astype(np.uint32),
        )
    return replace(answers, **{name: getattr(answers, name)[places] for name in columns}, tokens=tokens)


def tally_for(plan: Plan, candidate: Answers, baseline: Answers | None, policy: Latency, shard: int = 1) -> Tally:
    """Feed all blocks to a judge, as a run does, and sum up."""
    judge = Judge(policy, plan)
    for start in range(0, len(candidate), BLOCK):
        stop = min(start + BLOCK, len(candidate))
        part = baseline.part(start, stop) if baseline is not None else None
        assert judge.feed(Block(candidate=candidate.part(start, stop), baseline=part)) == (stop < len(candidate))
    run = Run(candidate=candidate, baseline=baseline, dispatched=candidate.scheduled + 2e-5)
    return tally_of(judge, run, policy, plan, shard)


def whole_and_shards(
    policy: Latency, count: int, *, paired: bool, slower: float = 1.0
) -> tuple[Tally, list[Tally], list[Plan]]:
    """One generator's tally, and those of `count` shards that saw the same answers to the same requests."""
    whole = make_plan(policy, 1, paired=paired, shard=(1, 1))
    times = whole.times[whole.warmup :]
    candidate = answered(times, seed=1, slower=slower, stream=bool(policy.stream))
    baseline = answered(times, seed=2, stream=bool(policy.stream)) if paired else None
    parts, plans = [], []
    for shard in range(1, count + 1):
        plan = make_plan(policy, 1, paired=paired, shard=(shard, count))
        assert plan.part is not None
        places = plan.part.places[plan.warmup :] - whole.warmup
        mine = picked(baseline, places) if baseline is not None else None
        parts.append(tally_for(plan, picked(candidate, places), mine, policy, shard))
        plans.append(plan)
    return tally_for(whole, candidate, baseline, policy), parts, plans


def details_of(run: ShardRun, tally: Tally) -> LatencyDetails:
    """Details of a shard's evidence."""
    settings = LatencySettings(
        slots=[],
        requests=[],
        arrivals=POLICY.arrivals,
        requests_per_arm=PlannedRequests(warmup=0, planned=0, extension=0),
        connections=1,
        payloads=0,
        margins={},
    )
    generator = GeneratorDetails(
        **msgspec.structs.asdict(latency_evidence.generator_details(tally)),
        timer="epoll",
        answers_timed_by="kernel",
        answers_not_stamped=[0],
        priority="none",
        priority_raised=False,
        requests_sent=tally.requests,
        connections=run.connections,
        waited_for_a_connection=run.waited,
        token_gaps_dropped=[0],
        began=run.began,
    )
    return LatencyDetails(
        settings=settings,
        judged_per_arm=tally.requests,
        endpoints=[],
        failures={},
        generator=generator,
        shard=run,
        tally=pack(tally),
    )


def shard_of(
    tally: Tally, number: int, of: int, *, began: float = 1000.0, outcome: str = "inconclusive", schedule: int = 12_000
) -> Shard:
    """A shard's evidence, read from its JSON."""
    run = ShardRun(
        shard=number,
        shards=of,
        start_at=1000.0,
        began=began,
        warmup=3,
        schedule=schedule,
        arms=list(tally.arms),
        connections=[1] * len(tally.arms),
        waited=[1] * len(tally.arms),
        hlog="sha256:0",
    )
    findings = shard_findings(run, tally)
    evidence = Evidence(
        command="latency",
        leg=shard_leg("", number, of),
        outcome=Outcome(outcome),
        reason="Made here.",
        findings=findings,
        provenance=Provenance(repository="acme/scorer", head_sha="f" * 40, seed=1),
        details=details_of(run, tally),
    )
    read = msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)
    return read_shard(f"shards/{number}.json", f"sha256:{number}", read)


@pytest.mark.parametrize("count", [1, 3, 16])
def test_shards_offer_the_whole_schedule(count: int) -> None:
    """The union of the shards' requests is the schedule of one generator, warm-up included, each request once."""
    whole = make_plan(POLICY, 1, paired=True, shard=(1, 1))
    plans = [make_plan(POLICY, 1, paired=True, shard=(k, count)) for k in range(1, count + 1)]
    together = np.sort(np.concatenate([plan.times for plan in plans]))
    assert np.array_equal(whole.times, together)
    assert whole.warmup == sum(plan.warmup for plan in plans) == 400
    places = np.sort(np.concatenate([plan.part.places for plan in plans if plan.part]))
    assert np.array_equal(np.arange(len(whole.times)), places)
    assert all(plan.whole and not plan.extension for plan in plans)


def test_one_generator_takes_the_begin_of_the_same_schedule() -> None:
    """What a run that is no shard plans at first are the same requests."""
    whole, alone = make_plan(POLICY, 1, paired=True, shard=(1, 1)), make_plan(POLICY, 1, paired=True)
    n = alone.warmup + alone.planned
    assert np.array_equal(alone.times[:n], whole.times[:n])


@pytest.mark.parametrize("count", [1, 2, 7, 16])
@pytest.mark.parametrize("policy", [POLICY, STREAM], ids=["plain", "stream"])
def test_the_sum_of_shards_is_one_histogram_count_for_count(count: int, policy: Latency) -> None:
    """Every count and every histogram of the sum is that of one generator that saw the same answers."""
    whole, parts, _ = whole_and_shards(policy, count, paired=False)
    total = sum_up([shard_of(part, k, count) for k, part in enumerate(parts, start=1)])
    assert whole.candidate == total.candidate
    assert whole.objectives == total.objectives
    assert (whole.requests, whole.most) == (total.requests, total.most)
    assert whole.sends.behind == total.sends.behind
    assert (whole.sends.late, whole.sends.achieved) == (total.sends.late, total.sends.achieved)
    assert latency_evidence.measurements(whole) == latency_evidence.measurements(total)
    assert [f.outcome for f in judge_tally(whole, policy)] == [f.outcome for f in judge_tally(total, policy)]


@pytest.mark.parametrize(("slower", "expected"), [(1.0, Outcome.PASS), (1.5, Outcome.FAIL)])
def test_a_duet_over_shards(slower: float, expected: Outcome) -> None:
    """The sum is judged by the pairs of all shards in the order of their blocks; errors are counted in pairs."""
    whole, parts, _ = whole_and_shards(POLICY, 4, paired=True, slower=slower)
    shards = [shard_of(part, k, 4) for k, part in enumerate(parts, start=1)]
    total = sum_up(shards)
    assert (whole.only_candidate, whole.only_baseline) == (total.only_candidate, total.only_baseline)
    assert whole.arms == total.arms
    assert [(pair.block, pair.shard) for pair in total.pairs[:5]] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1)]
    assert len(total.pairs) == sum(len(part.pairs) for part in parts) == total.planned_pairs
    found = {f.id: f for f in judge_shards(shards, POLICY)}
    assert next(iter(found)) == "shards"
    assert (found["shards"].outcome, found["latency-p50"].outcome) == (Outcome.PASS, expected)


def test_order_of_adding_does_not_matter() -> None:
    """a + b = b + a, and sums of sums are equal."""
    _, (a, b, c), _ = whole_and_shards(POLICY, 3, paired=True)
    assert pack(a + b + c) == pack(c + (b + a))


def test_unlike_runs_are_not_added() -> None:
    """A run with a baseline and one without have no sum; nor have runs with other objectives or measurements."""
    _, (paired,), _ = whole_and_shards(POLICY, 1, paired=True)
    _, (alone,), _ = whole_and_shards(POLICY, 1, paired=False)
    _, (stream,), _ = whole_and_shards(STREAM, 1, paired=False)
    for other in (paired, stream, msgspec.structs.replace(alone, candidate=stream.candidate)):
        with pytest.raises(ValueError, match="measured different things"):
            alone + other


@pytest.fixture(scope="module")
def paired() -> bytes:
    """The JSON of a tally with a baseline."""
    _, (tally,), _ = whole_and_shards(POLICY, 1, paired=True)
    return msgspec.json.encode(pack(tally))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("requests",), -1),
        (("requests",), 10**6),
        (("requests",), "many"),
        (("candidate", "kinds", "ok"), 1),
        (("candidate", "kinds", "made-up"), 0),
        (("candidate", "kinds", "status"), -5),
        (("candidate", "statuses", "500"), 10**9),
        (("candidate", "spreads", "response-time", "n"), 7),
        (("candidate", "spreads", "response-time", "sum"), "1"),
        (("candidate", "spreads", "response-time", "sum"), "NaN"),
        (("candidate", "spreads", "response-time", "max"), 2**70),
        (("candidate", "spreads", "response-time", "max"), 5),
        (("candidate", "spreads", "response-time", "histogram"), "%%%"),
        (("candidate", "spreads", "response-time", "histogram"), "AAAA"),
        (("candidate", "spreads", "response-time"), None),
        (("candidate", "spreads"), {}),
        (("objectives", "p99", "missed"), 10**9),
        (("objectives", "p99", "n"), -1),
        (("objectives", "p99", "missed"), 0),
        (("objectives", "p99", "values"), None),
        (("objectives", "errors", "missed"), 0),
        (("objectives", "errors", "n"), 11_999),
        (("candidate", "compared"), None),
        (("only_candidate",), 0),
        (("only_candidate",), 10**9),
        (("pairs",), []),
        (("pairs", 0, "block"), 2),
        (("pairs", 0, "block"), 49),
        (("baseline",), None),
        (("planned_pairs",), 47),
        (("sends", "blocks"), 47),
        (("pairs", 0, "block"), -1),
        (("pairs", 0, "log_ratios"), {}),
        (("pairs", 0, "log_ratios", "p50"), 1e300),
        (("missing",), 10**6),
        (("sends", "late"), 10**9),
        (("sends", "late_blocks"), 10**9),
        (("unknown",), 1),
        (("objectives",), {str(k): {} for k in range(1000)}),
        (("candidate", "endpoints"), [{}] * 1000),
        (("candidate", "spreads"), 5),
    ],
)
def test_hostile_tallies_are_refused(paired: bytes, path: tuple[Any, ...], value: object) -> None:
    """Impossible counts, broken histograms and unknown keys are a `ValueError`, whatever they are."""
    packed = msgspec.json.decode(paired)
    assert pack(unpack(msgspec.convert(packed, PackedTally))) == msgspec.convert(packed, PackedTally)
    at = packed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(ValueError, match=r"."):
        unpack(msgspec.convert(packed, PackedTally))


def test_interval_logs_are_added() -> None:
    """The log holds each arm's good answers by the second of the schedule; sums of shards' logs are the whole's."""
    whole = make_plan(POLICY, 1, paired=False, shard=(1, 1))
    times = whole.times[whole.warmup :]
    answers = answered(times, seed=1)
    logs = []
    for k in range(1, 4):
        plan = make_plan(POLICY, 1, paired=False, shard=(k, 3))
        assert plan.part is not None
        mine = picked(answers, plan.part.places[plan.warmup :] - whole.warmup)
        logs.append(log_of({"candidate": mine}, plan.times[plan.warmup :], 1000.0 + k / 100))
    log = log_of({"candidate": answers}, times, 1000.0)
    total = sum_logs(logs, 1000.0)
    assert log == total
    assert counted(total) == {"candidate": Histogram.of(answers.response[answers.ok] * 1e9)}
    lines = read_log(total.decode())
    assert [float(second) for second in range(1, 31)] == [line.start_s for line in lines]
    assert {("candidate", 1.0)} == {(line.tag, line.seconds) for line in lines}
    with pytest.raises(DataError):
        sum_logs([b"\xff"], 0.0)


@pytest.mark.parametrize(
    "text", ["0/4", "5/4", "1/257", "1/0", "1", "1/2/3", "a/b", "-1/4", "1/4x", "\uff19/\uff19", "1/99999"]
)
def test_shards_that_are_none(text: str) -> None:
    """Only k/N with 1 <= k <= N <= 256 is a shard; the message quotes what was given."""
    with pytest.raises(InputError, match="input `shard`") as caught:
        parse_shard(text)
    assert "1/2" in caught.value.hint


def test_shards_and_starts_are_read() -> None:
    """Nothing stays nothing; decimals, and times that have passed, are taken."""
    assert (parse_shard(""), parse_shard("3/16"), parse_shard("256/256")) == (None, (3, 16), (256, 256))
    assert (parse_start("", 5.0), parse_start("1700000000", 5e9), parse_start("10.5", 5.0)) == (None, 1.7e9, 10.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("soon", "expected a number"),
        ("-5", "expected a number"),
        ("nan", "expected"),
        ("1e9", "expected"),
        ("4601", "s ahead"),
    ],
)
def test_starts_that_are_none(text: str, message: str) -> None:
    """A word, a negative time and one more than an hour ahead are errors with an example."""
    with pytest.raises(InputError, match=f"input `start-at`.*{message}") as caught:
        parse_start(text, 1000.0)
    assert "date +%s" in caught.value.hint


@pytest.fixture(scope="module")
def three() -> list[Shard]:
    """Three shards of a run without a baseline."""
    _, parts, _ = whole_and_shards(POLICY, 3, paired=False)
    return [shard_of(part, k, 3) for k, part in enumerate(parts, start=1)]


def test_a_shard_by_itself_is_inconclusive(three: list[Shard]) -> None:
    """Its evidence names `merge`; its guards are judged, and its objectives are not."""
    found = three[1].evidence.findings
    assert [f.id for f in found] == ["shard", "guard-lateness", "guard-data"]
    assert (found[0].outcome, found[0].reason) == (
        Outcome.INCONCLUSIVE,
        "Shard 2 of 3; `ghmlops merge-shards` judges them together.",
    )


def test_a_missing_shard_is_named(three: list[Shard]) -> None:
    """Without the second of three nothing passes: inconclusive, and the reason names it."""
    found = judge_shards([three[0], three[2]], POLICY)
    assert (found[0].id, found[0].outcome) == ("shards", Outcome.INCONCLUSIVE)
    assert "missing: shard 2 of 3" in found[0].reason
    assert {Outcome.INCONCLUSIVE} == {f.outcome for f in found if not f.id.startswith("guard-")}


@pytest.mark.parametrize(("late", "expected"), [(LATE_START - 0.1, "pass"), (LATE_START + 0.1, "inconclusive")])
def test_a_late_shard_is_named(three: list[Shard], late: float, expected: str) -> None:
    """A shard that began more than a second after the others did not add to their load."""
    shards = [three[0], shard_of(three[1].tally, 2, 3, began=1000.0 + late), three[2]]
    found = judge_shards(shards, POLICY)
    assert expected == found[0].outcome.value
    assert ("started late: shard 2 (1.1 s) of 3" in found[0].reason) == (expected == "inconclusive")
    assert {expected} == {f.outcome.value for f in found if f.id.startswith("objective-")}


def test_a_shard_that_began_before_the_others_is_named(three: list[Shard]) -> None:
    """A clock that goes wrong is as bad as a machine that is late."""
    (first, *_) = judge_shards([three[0], shard_of(three[1].tally, 2, 3, began=900.0), three[2]], POLICY)
    assert first.outcome == Outcome.INCONCLUSIVE
    assert "started early: shard 2 (100.0 s) of 3" in first.reason


def test_a_shard_that_passes_is_none(three: list[Shard]) -> None:
    """Whatever a part says, it is no measurement."""
    with pytest.raises(EvidenceError, match="its outcome is pass"):
        shard_of(three[1].tally, 2, 3, outcome="pass")


def test_a_shard_that_tripped_makes_an_error(three: list[Shard]) -> None:
    """A guard of one shard is an error of the sum, which names the shard."""
    found = judge_shards([three[0], shard_of(three[1].tally, 2, 3, outcome="error"), three[2]], POLICY)
    assert (found[0].id, found[0].outcome) == ("shards", Outcome.ERROR)
    assert found[0].reason == "shard 2: Made here."
    assert {Outcome.INCONCLUSIVE} == {f.outcome for f in found if f.id.startswith("objective-")}


def test_a_guard_that_a_shard_keeps_quiet_about_trips(three: list[Shard]) -> None:
    """The counts of each shard are judged again: in the sum, one late generator of several would not show."""
    tally = three[1].tally
    late = msgspec.structs.replace(tally.sends, late=tally.requests // 10, late_blocks=tally.sends.blocks)
    quiet = shard_of(msgspec.structs.replace(tally, sends=late), 2, 3)
    quiet = replace(quiet, evidence=msgspec.structs.replace(quiet.evidence, findings=[]))
    (first, *_) = judge_shards([three[0], quiet, three[2]], POLICY)
    assert first.outcome == Outcome.ERROR
    assert first.reason.startswith("shard 2: the generator was the limit")


def test_a_shard_twice_is_an_error(three: list[Shard]) -> None:
    """Counting a shard twice would invent requests."""
    check_alike(three)
    with pytest.raises(EvidenceError, match=r"shard 2 of 3 is there 2 times: shards/2\.json, shards/2\.json"):
        check_alike([*three, three[1]])
    with pytest.raises(EvidenceError, match="no shard's evidence"):
        check_alike([])


@pytest.mark.parametrize("what", ["head_sha", "seed", "repository", "version", "fingerprints"])
def test_the_odd_one_is_named(three: list[Shard], what: str) -> None:
    """Shards of another commit, seed, policy, data or release are not of one run."""
    value: Any = {"seed": 2, "fingerprints": {"policy": "sha256:other"}}.get(what, "e" * 40)
    origin = msgspec.structs.replace(three[2].evidence.provenance, **{what: value})
    odd = replace(three[2], evidence=msgspec.structs.replace(three[2].evidence, provenance=origin))
    with pytest.raises(EvidenceError, match=r"shards/3\.json is not a part of the same run"):
        check_alike([*three[:2], odd])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": 4}, "there is no shard 4 of 3"),
        ({"shards": 1000}, "there is no shard"),
        ({"start_at": None}, "its start is no time"),
        ({"began": -1.0}, "its start is no time"),
        ({"began": 1e300}, "its start is no time"),
        ({"schedule": "all"}, "Expected `int`"),
        ({"arms": ["baseline"]}, "its arms"),
        ({"connections": []}, "its arms"),
        ({"shard": 1}, "its leg is"),
        ({"shard": "x"}, "Expected `int`"),
        ({"more": 1}, "unknown field"),
    ],
)
def test_hostile_shards_are_refused(three: list[Shard], change: dict[str, Any], message: str) -> None:
    """What a shard says of itself must be possible."""
    evidence = three[1].evidence
    body = msgspec.to_builtins(evidence)
    body["details"]["shard"] |= change
    with pytest.raises((EvidenceError, msgspec.ValidationError), match=message):
        read_shard("x.json", "", msgspec.convert(body, Evidence))
    for details in (None, msgspec.structs.replace(three[1].details, shard=None)):
        with pytest.raises(EvidenceError, match="is not the evidence of a shard"):
            read_shard("x.json", "", msgspec.structs.replace(evidence, details=details))


def test_a_shard_that_stopped_early_is_refused(three: list[Shard]) -> None:
    """A tally of fewer requests than the part holds is no shard."""
    details = three[1].details
    assert details.tally is not None
    cut = msgspec.structs.replace(details, tally=msgspec.structs.replace(details.tally, most=9999))
    with pytest.raises(EvidenceError, match="is not the whole part of one shard"):
        read_shard("x.json", "", msgspec.structs.replace(three[1].evidence, details=cut))


def test_shards_that_do_not_add_up_are_an_error(three: list[Shard]) -> None:
    """All are there, and yet requests of the schedule are missing: no verdict, but an error with both numbers."""
    odd = [shard_of(shard.tally, k, 3, schedule=12_001) for k, shard in enumerate(three, start=1)]
    (first, *_) = judge_shards(odd, POLICY)
    assert first.outcome == Outcome.ERROR
    assert first.reason == "the shards sent 12,000 requests an arm, and the schedule has 12,001."


def test_shards_too_small_for_a_block_say_so() -> None:
    """12,000 requests are enough for one generator, and not for 64 that send fewer than 250 each."""
    _, parts, _ = whole_and_shards(POLICY, 64, paired=True)
    shards = [shard_of(part, k, 64) for k, part in enumerate(parts, start=1)]
    found = {f.id: f for f in judge_shards(shards, POLICY)}["latency-p50"]
    assert found.outcome == Outcome.INCONCLUSIVE
    assert "in shards whose own requests make 0 blocks: use fewer shards" in found.reason


@pytest.mark.parametrize("count", [1, 3, 256])
def test_a_shard_has_its_part_of_the_policys_schedule(count: int) -> None:
    """What the policy and the seed give is known: a part of another schedule is named, whoever cut it."""
    _, parts, plans = whole_and_shards(POLICY, count, paired=False)
    whole = planned(POLICY, 1)
    assert whole == (400, 12_000)
    for k, (part, plan) in enumerate(zip(parts, plans, strict=True), start=1):
        shard = shard_of(part, k, count)
        own = replace(shard, run=msgspec.structs.replace(shard.run, warmup=plan.warmup))
        assert contradiction(own, POLICY, whole) == ""
        cut = replace(own, run=msgspec.structs.replace(own.run, schedule=6000))
        assert "of 12,000 in all" in contradiction(cut, POLICY, whole)
        fewer = replace(own, tally=msgspec.structs.replace(part, requests=part.requests - 1))
        assert "of 12,000 in all" in contradiction(fewer, POLICY, whole)


def test_slow_answers_are_those_of_the_histogram(three: list[Shard]) -> None:
    """A count of misses that the histogram beside it does not bear out is named; recordings are not laid out again."""
    strict = msgspec.structs.replace(POLICY, slo=Objectives(quantiles={"p99": 0.012}, errors=0.02))
    _, (tally,), _ = whole_and_shards(strict, 1, paired=False)
    shard = replace(three[0], tally=tally)
    assert contradiction(shard, strict, None) == ""
    for change in (-50, 50):
        share = tally.objectives["p99"]
        other = tally.objectives | {"p99": msgspec.structs.replace(share, missed=share.missed + change)}
        odd = replace(shard, tally=msgspec.structs.replace(tally, objectives=other))
        assert "its histogram says otherwise" in contradiction(odd, strict, None)
    assert "does not count what the policy asks for" in contradiction(shard, STREAM, None)
    trace = Arrivals(model="replay", rate=0.0, duration=0.0, trace=Trace(file="access.log"))
    assert planned(msgspec.structs.replace(POLICY, arrivals=trace), 1) is None


def of_kind(answers: Answers, kind: Kind) -> Answers:
    """The same requests, all of them ended alike."""
    return replace(answers, kind=np.full(len(answers), kind, np.uint8))


def test_what_is_written_is_read_again() -> None:
    """Streams, a mix, and arms that failed whole: no true tally is taken for a forged one."""
    both = msgspec.structs.replace(
        STREAM, slo=Objectives(quantiles={"p99": 1.0}, first_token={"p95": 0.05}, errors=0.1)
    )
    tallies = [part for paired in (False, True) for part in whole_and_shards(both, 3, paired=paired)[1]]
    plan = make_plan(POLICY, 1, paired=True, shard=(1, 1))
    good = answered(plan.times[plan.warmup :], seed=1)
    for kind in (Kind.TIMEOUT, Kind.STATUS):
        bad = of_kind(good, kind)
        tallies += [tally_for(plan, one, other, POLICY) for one, other in ((good, bad), (bad, good), (bad, bad))]
    for tally in tallies:
        assert unpack(msgspec.json.decode(msgspec.json.encode(pack(tally)))) == tally
