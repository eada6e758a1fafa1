"""Findings on one shard, and on the sum of shards: missing, late, early and untrusted shards."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from ghmlops.core.latency.constants import MAX_START_DELAY
from ghmlops.core.latency.shards.evidence import Shard
from ghmlops.core.latency.shards.findings import judge_shards
from ghmlops.core.model import Outcome
from shard_runs import POLICY, shard_of, total_and_shards


@pytest.fixture(scope="module")
def three() -> list[Shard]:
    """Return three shards of a run without a baseline."""
    _, parts, _ = total_and_shards(POLICY, 3, paired=False)
    return [shard_of(part, k, 3) for k, part in enumerate(parts, start=1)]


def test_a_shard_alone_is_inconclusive(three: list[Shard]) -> None:
    """The evidence of a shard names `merge-shards`; its guards are judged, its objectives are not."""
    findings = three[1].evidence.findings
    assert [f.id for f in findings] == ["shard", "guard-lateness", "guard-data"]
    assert findings[0].outcome == Outcome.INCONCLUSIVE
    assert findings[0].reason.startswith("Shard 2 of 3 ")
    assert "`ghmlops merge-shards`" in findings[0].reason


def test_a_missing_shard_is_named(three: list[Shard]) -> None:
    """Without the second of three shards nothing passes, and the reason names it."""
    findings = judge_shards([three[0], three[2]], POLICY)
    assert (findings[0].id, findings[0].outcome) == ("shards", Outcome.INCONCLUSIVE)
    assert "missing: shard 2 of 3" in findings[0].reason
    assert {Outcome.INCONCLUSIVE} == {f.outcome for f in findings if not f.id.startswith("guard-")}


@pytest.mark.parametrize(
    ("late", "expected"), [(MAX_START_DELAY - 0.1, "pass"), (MAX_START_DELAY + 0.1, "inconclusive")]
)
def test_a_late_shard_is_named(three: list[Shard], late: float, expected: str) -> None:
    """A shard that started more than one second after the others makes the findings inconclusive."""
    shards = [three[0], shard_of(three[1].tally, 2, 3, began=1000.0 + late), three[2]]
    findings = judge_shards(shards, POLICY)
    assert expected == findings[0].outcome.value
    assert ("shard 2 (1.1 s) of 3" in findings[0].reason) == (expected == "inconclusive")
    assert {expected} == {f.outcome.value for f in findings if f.id.startswith("objective-")}


def test_an_early_shard_is_named(three: list[Shard]) -> None:
    """A shard that started before the others has a wrong clock, and makes the findings inconclusive."""
    (first, *_) = judge_shards([three[0], shard_of(three[1].tally, 2, 3, began=900.0), three[2]], POLICY)
    assert first.outcome == Outcome.INCONCLUSIVE
    assert "shard 2 (100.0 s) of 3" in first.reason


def test_a_violated_guard_of_a_shard_is_an_error(three: list[Shard]) -> None:
    """A violated guard of one shard is an error of the sum, which names the shard."""
    findings = judge_shards([three[0], shard_of(three[1].tally, 2, 3, outcome="error"), three[2]], POLICY)
    assert (findings[0].id, findings[0].outcome) == ("shards", Outcome.ERROR)
    assert findings[0].reason == "shard 2: Reason of the shard."
    assert {Outcome.INCONCLUSIVE} == {f.outcome for f in findings if f.id.startswith("objective-")}


def test_the_guards_of_each_shard_are_judged_again(three: list[Shard]) -> None:
    """A violated guard counts even if the shard does not report it; in the sum it could be invisible."""
    tally = three[1].tally
    late = msgspec.structs.replace(tally.sends, late=tally.requests // 10, late_blocks=tally.sends.blocks)
    silent = shard_of(msgspec.structs.replace(tally, sends=late), 2, 3)
    silent = replace(silent, evidence=msgspec.structs.replace(silent.evidence, findings=[]))
    (first, *_) = judge_shards([three[0], silent, three[2]], POLICY)
    assert first.outcome == Outcome.ERROR
    assert first.reason.startswith("shard 2: ")


def test_shards_that_do_not_add_up_are_an_error(three: list[Shard]) -> None:
    """If all shards are present but requests of the schedule are missing, the error contains both numbers."""
    shards = [shard_of(shard.tally, k, 3, schedule=12_001) for k, shard in enumerate(three, start=1)]
    (first, *_) = judge_shards(shards, POLICY)
    assert first.outcome == Outcome.ERROR
    assert "12,000" in first.reason
    assert "12,001" in first.reason


def test_shards_too_small_for_a_block_are_inconclusive() -> None:
    """12,000 requests suffice for one generator, but not for 64 shards that send fewer than 250 each."""
    _, parts, _ = total_and_shards(POLICY, 64, paired=True)
    shards = [shard_of(part, k, 64) for k, part in enumerate(parts, start=1)]
    finding = {f.id: f for f in judge_shards(shards, POLICY)}["latency-p50"]
    assert finding.outcome == Outcome.INCONCLUSIVE
    assert "only 0 blocks" in finding.reason
