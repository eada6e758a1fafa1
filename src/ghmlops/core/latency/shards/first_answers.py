"""Shards that sent no load, because the first requests were answered badly or an error ended them; what follows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.errors import EvidenceError, InputError
from ghmlops.core.latency.shards.inputs import parse_shard
from ghmlops.core.model import Finding, Frozen, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ghmlops.core.evidence.document import Evidence

_LEG = re.compile(r"(?:(?P<leg>.+)-)?shard-(?P<shard>[0-9]{1,4})-of-(?P<shards>[0-9]{1,4})")
_MAX_REASONS = 3
"""Different reasons of shards that a finding repeats."""


class BrokenShard(Frozen, frozen=True, kw_only=True):
    """A shard that sent no load.

    Attributes:
        file: name of its evidence.
        leg: leg of the run, without the suffix of the shard.
        shard: its number.
        shards: number of shards of the run.
        finding: the cause: what was wrong with the first answers, or the error that ended it.
    """

    file: str
    leg: str
    shard: int
    shards: int
    finding: Finding


def read_broken(file: str, evidence: Evidence) -> BrokenShard | None:
    """Return the shard if its evidence states that it sent no load; `None` for any other evidence.

    Raises:
        EvidenceError: There is no such shard.
    """
    match = _LEG.fullmatch(evidence.leg)
    if evidence.command != "latency" or evidence.details is not None or match is None:
        return None
    finding = next((f for f in evidence.findings if f.outcome in (Outcome.FAIL, Outcome.ERROR)), None)
    if finding is None:
        return None
    try:
        parse_shard(f"{match['shard']}/{match['shards']}")
    except InputError:
        hint = "remove all other files from the folder of the shards"
        raise EvidenceError(f"{file} is not the evidence of a shard", hint=hint) from None
    return BrokenShard(
        file=file,
        leg=match["leg"] or "",
        shard=int(match["shard"]),
        shards=int(match["shards"]),
        finding=finding,
    )


def join_broken(broken: Sequence[BrokenShard], others: int) -> Finding:
    """Return the finding of a run in which shards sent no load.

    It is a failure if every shard that was received found the candidate broken and the baseline good, and otherwise an
    error: the load of the other shards is not the one that was planned.

    Args:
        broken: The shards that sent no load, at least one.
        others: Number of shards that sent their load.
    """
    by_reason: dict[str, list[int]] = {}
    for one in sorted(broken, key=lambda one: one.shard):
        by_reason.setdefault(one.finding.reason, []).append(one.shard)
    total = broken[0].shards
    parts = []
    for reason, numbers in list(by_reason.items())[:_MAX_REASONS]:
        name = "All shards" if len(numbers) == total else f"Shard {', '.join(map(str, numbers))} of {total}"
        parts.append(f"{name}: {reason}")
    if others:
        parts.append(f"The other {others:,} sent their load, which is not the planned one and is not judged.")
    failed = not others and all(one.finding.outcome is Outcome.FAIL for one in broken)
    return msgspec.structs.replace(
        broken[0].finding, outcome=Outcome.FAIL if failed else Outcome.ERROR, reason=" ".join(parts)
    )
