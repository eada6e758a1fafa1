"""JSON form of a tally, for the evidence of a shard. It is validated as untrusted data when it is read."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.details.tally import PackedTally
from ghmlops.core.histograms.exact_histogram import as_json, from_json
from ghmlops.core.latency.constants import BLOCK_SIZE, MAX_LOG_RATIO
from ghmlops.core.latency.duet import PAIR_STATISTICS
from ghmlops.core.latency.kind import Kind
from ghmlops.core.latency.objectives import STREAM_PREFIXES
from ghmlops.core.latency.over_time.counts import is_consistent
from ghmlops.core.latency.tally import ArmTally, Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sized

    from ghmlops.core.latency.objectives import Share

_MAX_DISTRIBUTIONS = 32
"""Distributions per table of a tally; decoding one takes memory."""


def pack(tally: Tally) -> PackedTally:
    """Return the JSON form of a tally."""
    return msgspec.convert(msgspec.to_builtins(tally, enc_hook=as_json), PackedTally)


def unpack(packed: PackedTally) -> Tally:
    """Decode the JSON form of a tally from an untrusted file.

    Raises:
        ValueError: It contains too many distributions, or its numbers are impossible.
    """
    if not _is_small(packed):
        raise ValueError("it contains more distributions than a tally can have")
    tally = msgspec.convert(msgspec.to_builtins(packed), Tally, dec_hook=from_json)  # ValidationError is a ValueError
    n, sends = tally.requests, tally.sends
    consistent = (
        min(_counts(tally)) >= 0
        and _are_objectives_consistent(tally.requests, tally.candidate, tally.objectives)
        and _are_objectives_of_baseline_consistent(tally)
        and _are_pairs_consistent(tally)
        and all(_is_arm_consistent(arm, n) for arm in tally.arms.values())
        and max(tally.only_candidate + tally.only_baseline, sends.late, sends.achieved, sends.blocks) <= n
        and sends.late_blocks <= sends.blocks == -(-n // BLOCK_SIZE)
        and sends.lateness.n == n
        and 0.0 <= sends.stolen <= 1.0
        and (tally.over_time is None or is_consistent(tally.over_time, _requests_and_failures(tally)))
    )
    if not consistent:
        raise ValueError("its counts contradict each other")
    return tally


def _requests_and_failures(tally: Tally) -> dict[str, tuple[int, int]]:
    return {name: (arm.requests, arm.requests - arm.ok) for name, arm in tally.arms.items()}


def _counts(tally: Tally) -> list[int]:
    """Return all numbers of a tally that cannot be negative."""
    n, sends = tally.requests, tally.sends
    counts = [n, tally.only_candidate, tally.only_baseline, tally.missing, tally.planned_pairs, tally.max_requests]
    counts += [sends.late, sends.late_blocks, sends.blocks, sends.achieved]
    for share in (*tally.objectives.values(), *tally.baseline_objectives.values()):
        counts += [share.missed, share.n - share.missed, n - share.n, share.n - (share.values.n if share.values else 0)]
    for arm in tally.arms.values():
        counts += [arm.buffered, arm.ok - arm.buffered]
        counts += [*arm.kinds.values(), *arm.statuses.values(), *(e.requests - e.response.n for e in arm.endpoints)]
    return counts + [value for pair in tally.pairs for value in (pair.block, pair.shard)]


def _are_objectives_of_baseline_consistent(tally: Tally) -> bool:
    """Return whether the objectives of the baseline are those of the candidate, or absent."""
    if tally.baseline is None or not tally.baseline_objectives:
        return not tally.baseline_objectives
    alike = tally.baseline_objectives.keys() == tally.objectives.keys()
    return alike and _are_objectives_consistent(tally.requests, tally.baseline, tally.baseline_objectives)


def _are_objectives_consistent(n: int, arm: ArmTally, objectives: Mapping[str, Share]) -> bool:
    """Return whether each objective counts the failures, and one on the response time has the arm's distribution."""
    failed, times = n - arm.ok, arm.distributions.get("response-time")
    for name, share in objectives.items():
        if name == "errors":
            if (share.n, share.missed) != (n, failed):
                return False
        elif not name.startswith(STREAM_PREFIXES) and (share.n != n or share.missed < failed or share.values != times):
            return False
    return True


def _are_pairs_consistent(tally: Tally) -> bool:
    """Return whether every complete block was compared once or is missing; without a baseline none may be."""
    blocks = [pair.block for pair in tally.pairs]
    excess = tally.only_candidate - tally.only_baseline
    if tally.baseline is None:
        empty = not blocks and tally.missing == tally.planned_pairs == tally.only_candidate == excess == 0
        return empty and tally.candidate.compared is None
    complete = tally.requests // BLOCK_SIZE
    numbers = set(blocks)
    each_once = len(numbers) == len(blocks) == complete - tally.missing and numbers <= set(range(1, complete + 1))
    first, second = tally.candidate.compared, tally.baseline.compared
    same_count = first is not None and second is not None and first.n == second.n
    statistics = [value for pair in tally.pairs for value in pair.log_ratios.values()]
    return (
        each_once
        and same_count
        and tally.planned_pairs == complete
        and excess == tally.baseline.ok - tally.candidate.ok
        and all(math.isfinite(value) and abs(value) <= MAX_LOG_RATIO for value in statistics)
        and all(pair.log_ratios.keys() == set(PAIR_STATISTICS) for pair in tally.pairs)
    )


def _is_small(packed: PackedTally) -> bool:
    """Return whether the number of distributions is within the limit."""
    tables: list[Sized] = [packed.objectives, packed.baseline_objectives]
    for arm in (packed.candidate, packed.baseline):
        tables += [arm.distributions, arm.endpoints] if arm else []
    return all(len(table) <= _MAX_DISTRIBUTIONS for table in tables)


def _is_arm_consistent(arm: ArmTally, n: int) -> bool:
    """Return whether the counts of an arm of `n` requests agree with each other."""
    response = arm.distributions.get("response-time")
    return (
        arm.requests == n
        and arm.kinds.keys() <= {kind.label for kind in Kind}
        and response is not None
        and response.n == arm.ok
        and sum(arm.statuses.values()) == arm.kinds.get(Kind.STATUS.label, 0)
        and (arm.compared is None or arm.compared.n <= n)
        and (not arm.endpoints or sum(e.requests for e in arm.endpoints) == n)
        and (not arm.endpoints or sum(e.response.n for e in arm.endpoints) == arm.ok)
    )
