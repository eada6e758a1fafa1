"""A tally as JSON, for the evidence of a shard; read as hostile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.tally import PackedTally
from ghmlops.core.histograms.exact_histogram import as_json, from_json
from ghmlops.core.latency.answers import Kind
from ghmlops.core.latency.duet import BLOCK, TOLD
from ghmlops.core.latency.tally import ArmTally, Tally

if TYPE_CHECKING:
    from collections.abc import Sized

_WIDEST = 64.0
STREAM = ("first-token-", "token-gap-")
_MAX_DISTRIBUTIONS = 32


def pack(tally: Tally) -> PackedTally:
    """Return the JSON form of a tally."""
    return msgspec.convert(msgspec.to_builtins(tally, enc_hook=as_json), PackedTally)


def unpack(packed: PackedTally) -> Tally:
    """Decode the JSON form of a tally, which may come from a hostile file.

    Raises:
        ValueError: It contains too many distributions, or its numbers are impossible.
    """
    if not _is_small(packed):
        raise ValueError("it contains more distributions than a tally can have")
    tally = msgspec.convert(msgspec.to_builtins(packed), Tally, dec_hook=from_json)  # ValidationError is a ValueError
    n = tally.requests
    wholes = [n, tally.only_candidate, tally.only_baseline, tally.missing, tally.planned_pairs, tally.most]
    sends = tally.sends
    wholes += [sends.late, sends.late_blocks, sends.blocks, sends.achieved]
    for share in tally.objectives.values():
        wholes += [share.missed, share.n - share.missed, n - share.n, share.n - (share.values.n if share.values else 0)]
    for arm in tally.arms.values():
        wholes += [*arm.kinds.values(), *arm.statuses.values(), *(e.requests - e.response.n for e in arm.endpoints)]
    wholes += [value for pair in tally.pairs for value in (pair.block, pair.shard)]
    told = [value for pair in tally.pairs for value in pair.log_ratios.values()]
    fine = (
        min(wholes) >= 0
        and _objectives_fit(tally)
        and _pairs_fit(tally)
        and all(math.isfinite(value) and abs(value) <= _WIDEST for value in told)
        and all(pair.log_ratios.keys() == set(TOLD) for pair in tally.pairs)
        and all(_fits(arm, n) for arm in tally.arms.values())
        and max(tally.only_candidate + tally.only_baseline, sends.late, sends.achieved, sends.blocks) <= n
        and sends.late_blocks <= sends.blocks == -(-n // BLOCK)
        and sends.behind.n == n
    )
    if not fine:
        raise ValueError("its counts contradict each other")
    return tally


def _objectives_fit(tally: Tally) -> bool:
    """True where each objective counts the candidate's failures, and a quantile of the response time its very times."""
    n, failed = tally.requests, tally.requests - tally.candidate.ok
    times = tally.candidate.spreads.get("response-time")
    for name, share in tally.objectives.items():
        if name == "errors":
            if (share.n, share.missed) != (n, failed):
                return False
        elif not name.startswith(STREAM) and (share.n != n or share.missed < failed or share.values != times):
            return False
    return True


def _pairs_fit(tally: Tally) -> bool:
    """True where every whole block was compared once or is missing; without a baseline there is none."""
    blocks = [pair.block for pair in tally.pairs]
    alone = tally.only_candidate - tally.only_baseline
    if tally.baseline is None:
        nothing = not blocks and tally.missing == tally.planned_pairs == tally.only_candidate == alone == 0
        return nothing and tally.candidate.compared is None
    whole = tally.requests // BLOCK
    known = len(set(blocks)) == len(blocks) == whole - tally.missing and set(blocks) <= set(range(1, whole + 1))
    one, other = tally.candidate.compared, tally.baseline.compared
    both = one is not None and other is not None and one.n == other.n
    return known and both and tally.planned_pairs == whole and alone == tally.baseline.ok - tally.candidate.ok


def _is_small(packed: PackedTally) -> bool:
    """Return whether the number of distributions is bounded; decoding one takes memory."""
    tables: list[Sized] = [packed.objectives]
    for arm in (packed.candidate, packed.baseline):
        tables += [arm.spreads, arm.endpoints] if arm else []
    return all(len(table) <= _MAX_DISTRIBUTIONS for table in tables)


def _fits(arm: ArmTally, n: int) -> bool:
    known = {kind.label for kind in Kind}
    response = arm.spreads.get("response-time")
    return (
        arm.requests == n
        and arm.kinds.keys() <= known
        and response is not None
        and response.n == arm.ok
        and sum(arm.statuses.values()) == arm.kinds.get(Kind.STATUS.label, 0)
        and (arm.compared is None or arm.compared.n <= n)
        and (not arm.endpoints or sum(e.requests for e in arm.endpoints) == n)
        and (not arm.endpoints or sum(e.response.n for e in arm.endpoints) == arm.ok)
    )
