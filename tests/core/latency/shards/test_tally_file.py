"""The JSON form of a tally: lossless, and malicious ones are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from ghmlops.core.details.tally import PackedTally
from ghmlops.core.latency.answers import Answers
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.shards.tally_file import pack, unpack
from ghmlops.core.latency.stopping import make_plan
from ghmlops.core.policy.objectives import Objectives
from shard_runs import POLICY, STREAM, answers_of, tally_for, total_and_shards


@pytest.fixture(scope="module")
def paired() -> bytes:
    """Return the JSON of a tally with a baseline."""
    _, (tally,), _ = total_and_shards(POLICY, 1, paired=True)
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
        (("candidate", "distributions", "response-time", "n"), 7),
        (("candidate", "distributions", "response-time", "sum"), "1"),
        (("candidate", "distributions", "response-time", "sum"), "NaN"),
        (("candidate", "distributions", "response-time", "max"), 2**70),
        (("candidate", "distributions", "response-time", "max"), 5),
        (("candidate", "distributions", "response-time", "histogram"), "%%%"),
        (("candidate", "distributions", "response-time", "histogram"), "AAAA"),
        (("candidate", "distributions", "response-time"), None),
        (("candidate", "distributions"), {}),
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
        (("over_time", "arms", "candidate", "failed", 0), 10**6),
        (("over_time", "arms", "candidate", "requests", 0), 0),
        (("over_time", "arms", "candidate", "requests"), [1] * 1000),
        (("over_time", "arms"), {}),
        (("over_time", "width_s"), 3),
        (("over_time", "start_s"), -1),
        (("objectives",), {str(k): {} for k in range(1000)}),
        (("candidate", "endpoints"), [{}] * 1000),
        (("candidate", "distributions"), 5),
    ],
)
def test_impossible_tallies_are_refused(paired: bytes, path: tuple[Any, ...], value: object) -> None:
    """Impossible counts, damaged histograms and unknown keys raise `ValueError`."""
    packed = msgspec.json.decode(paired)
    assert pack(unpack(msgspec.convert(packed, PackedTally))) == msgspec.convert(packed, PackedTally)
    parent = packed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    with pytest.raises(ValueError, match=r"."):
        unpack(msgspec.convert(packed, PackedTally))


def of_kind(answers: Answers, kind: Kind) -> Answers:
    """Return the same requests, all with the result `kind`."""
    return replace(answers, kind=np.full(len(answers), kind, np.uint8))


def test_a_round_trip_is_lossless() -> None:
    """Streams, a mix, and arms without successful requests are read as written: no valid tally is refused."""
    both = msgspec.structs.replace(
        STREAM, slo=Objectives(quantiles={"p99": 1.0}, first_token={"p95": 0.05}, errors=0.1)
    )
    tallies = [part for paired in (False, True) for part in total_and_shards(both, 3, paired=paired)[1]]
    plan = make_plan(POLICY, 1, paired=True, shard=(1, 1))
    good = answers_of(plan.times[plan.warmup :], seed=1)
    for kind in (Kind.TIMEOUT, Kind.STATUS):
        bad = of_kind(good, kind)
        tallies += [tally_for(plan, one, other, POLICY) for one, other in ((good, bad), (bad, good), (bad, bad))]
    for tally in tallies:
        assert unpack(msgspec.json.decode(msgspec.json.encode(pack(tally)), type=PackedTally)) == tally
