"""Evidence of shards: it is validated when read, and all shards must be parts of one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from ghmlops.core.errors import EvidenceError
from ghmlops.core.evidence.document import Evidence
from ghmlops.core.latency.shards.evidence import Shard, check_alike, read_shard
from shard_runs import POLICY, shard_of, total_and_shards


@pytest.fixture(scope="module")
def three() -> list[Shard]:
    """Return three shards of a run without a baseline."""
    _, parts, _ = total_and_shards(POLICY, 3, paired=False)
    return [shard_of(part, k, 3) for k, part in enumerate(parts, start=1)]


def test_a_shard_with_a_pass_is_refused(three: list[Shard]) -> None:
    """A part of a run cannot pass, because it is not a measurement."""
    with pytest.raises(EvidenceError, match="outcome is pass"):
        shard_of(three[1].tally, 2, 3, outcome="pass")


def test_a_shard_twice_is_an_error(three: list[Shard]) -> None:
    """Counting a shard twice would count requests that were not sent; the message names both files."""
    check_alike(three)
    with pytest.raises(EvidenceError, match=r"shard 2 of 3 .* 2 times: shards/2\.json, shards/2\.json"):
        check_alike([*three, three[1]])
    with pytest.raises(EvidenceError, match="no evidence of a shard"):
        check_alike([])


@pytest.mark.parametrize("field", ["head_sha", "seed", "repository", "version", "fingerprints"])
def test_a_shard_of_another_run_is_named(three: list[Shard], field: str) -> None:
    """Shards of another commit, seed, policy, repository or release are not parts of the same run."""
    value: Any = {"seed": 2, "fingerprints": {"policy": "sha256:other"}}.get(field, "e" * 40)
    origin = msgspec.structs.replace(three[2].evidence.provenance, **{field: value})
    other = replace(three[2], evidence=msgspec.structs.replace(three[2].evidence, provenance=origin))
    with pytest.raises(EvidenceError, match=r"^shards/3\.json "):
        check_alike([*three[:2], other])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shard": 4}, "there is no shard 4 of 3"),
        ({"shards": 1000}, "there is no shard"),
        ({"start_at": None}, "its start "),
        ({"began": -1.0}, "its start "),
        ({"began": 1e300}, "its start "),
        ({"schedule": "all"}, "Expected `int`"),
        ({"arms": ["baseline"]}, "its arms"),
        ({"connections": []}, "its arms"),
        ({"shard": 1}, "its leg is"),
        ({"shard": "x"}, "Expected `int`"),
        ({"more": 1}, "unknown field"),
    ],
)
def test_impossible_shards_are_refused(three: list[Shard], change: dict[str, Any], message: str) -> None:
    """Numbers that a shard reports about itself must be possible; the message names the problem."""
    evidence = three[1].evidence
    body = msgspec.to_builtins(evidence)
    body["details"]["shard"] |= change
    with pytest.raises((EvidenceError, msgspec.ValidationError), match=message):
        read_shard("x.json", "", msgspec.convert(body, Evidence))
    for details in (None, msgspec.structs.replace(three[1].details, shard=None)):
        with pytest.raises(EvidenceError, match=r"^x\.json is not the evidence"):
            read_shard("x.json", "", msgspec.structs.replace(evidence, details=details))


def test_an_incomplete_shard_is_refused(three: list[Shard]) -> None:
    """A tally with fewer requests than planned is not the complete part of a shard."""
    details = three[1].details
    assert details.tally is not None
    truncated = msgspec.structs.replace(details, tally=msgspec.structs.replace(details.tally, max_requests=9999))
    with pytest.raises(EvidenceError, match="complete part"):
        read_shard("x.json", "", msgspec.structs.replace(three[1].evidence, details=truncated))
