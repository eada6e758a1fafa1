"""Shards that sent no load: which evidence is one, and what follows for the run."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.errors import EvidenceError
from ghmlops.core.latency.contact.first_answers import broken_finding, nothing_finding
from ghmlops.core.latency.shards.evidence import Shard
from ghmlops.core.latency.shards.first_answers import BrokenShard, join_broken, read_broken
from ghmlops.core.model import Finding, Outcome
from shard_runs import POLICY, shard_of, total_and_shards

FAILED = broken_finding("the candidate answers POST / with 404; the baseline answers well", 1)
NOTHING = nothing_finding("the candidate answers POST / with 404", 1)


@pytest.fixture(scope="module")
def measured() -> Shard:
    _, parts, _ = total_and_shards(POLICY, 3, paired=False)
    return shard_of(parts[0], 1, 3)


def broken(number: int, finding: Finding = FAILED) -> BrokenShard:
    return BrokenShard(file=f"{number}.json", leg="", shard=number, shards=3, finding=finding)


def test_evidence_without_details_is_a_shard_without_load(measured: Shard) -> None:
    """It is recognised by its leg and its failure; evidence of a measured shard, or of no shard, is not."""
    empty = msgspec.structs.replace(measured.evidence, details=None, findings=[FAILED], leg="eu-shard-2-of-3")
    result = read_broken("x.json", empty)
    assert result is not None
    assert (result.leg, result.shard, result.shards, result.finding) == ("eu", 2, 3, FAILED)
    assert read_broken("x.json", measured.evidence) is None
    others: list[dict[str, Any]] = [{"leg": "eu"}, {"command": "capacity"}, {"findings": []}]
    for changes in others:
        assert read_broken("x.json", msgspec.structs.replace(empty, **changes)) is None
    for leg in ("shard-4-of-3", "shard-0-of-3", "shard-1-of-9999"):
        with pytest.raises(EvidenceError):
            read_broken("x.json", msgspec.structs.replace(empty, leg=leg))


@pytest.mark.parametrize(
    ("parts", "others", "outcome"),
    [
        ([broken(1), broken(2), broken(3)], 0, Outcome.FAIL),
        ([broken(1), broken(3)], 0, Outcome.FAIL),
        ([broken(1), broken(2)], 1, Outcome.ERROR),
        ([broken(1), broken(2, NOTHING), broken(3)], 0, Outcome.ERROR),
        ([broken(1, NOTHING)], 0, Outcome.ERROR),
    ],
)
def test_the_run_fails_only_if_all_shards_agree(parts: list[BrokenShard], others: int, outcome: Outcome) -> None:
    """The reason is that of the shards, with their numbers; part of a schedule is no measurement."""
    finding = join_broken(parts, others)
    assert (finding.id, finding.outcome) == ("endpoint-broken", outcome)
    assert all(part.finding.reason in finding.reason for part in parts)
    assert ("All shards" in finding.reason) == (len(parts) == 3 and len({part.finding.reason for part in parts}) == 1)
