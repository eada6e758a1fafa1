"""A tally as JSON, for the evidence of a shard; read as hostile."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from ghmlops.core.answers import Kind
from ghmlops.core.duet import TOLD
from ghmlops.core.spread import as_json, from_json
from ghmlops.core.tally import ArmTally, Tally

_WIDEST = 64.0
_TABLES = ("spreads", "endpoints")
_MOST = 32


def pack(tally: Tally) -> dict[str, Any]:
    """Return a tally as a JSON object."""
    packed: dict[str, Any] = msgspec.to_builtins(tally, enc_hook=as_json)
    return packed


def unpack(packed: object) -> Tally:
    """Read a tally that `pack` made, from a file that may be hostile.

    Raises:
        ValueError: it is not one, or its numbers are impossible.
    """
    if not _small(packed):
        raise ValueError("it is no tally")
    tally = msgspec.convert(packed, Tally, dec_hook=from_json)  # its ValidationError is a ValueError
    n = tally.requests
    wholes = [n, tally.only_candidate, tally.only_baseline, tally.missing, tally.planned_pairs, tally.most]
    sends = tally.sends
    wholes += [sends.late, sends.late_blocks, sends.blocks, sends.achieved]
    for share in tally.objectives.values():
        wholes += [share.missed, share.n - share.missed, n - share.n, share.n - (share.values.n if share.values else 0)]
    for arm in tally.arms.values():
        wholes += [*arm.kinds.values(), *arm.statuses.values(), *(e.requests - e.response.n for e in arm.endpoints)]
    wholes += [value for pair in tally.pairs for value in (pair.block, pair.shard)]
    told = [value for pair in tally.pairs for value in pair.told.values()]
    fine = (
        min(wholes) >= 0
        and all(math.isfinite(value) and abs(value) <= _WIDEST for value in told)
        and all(pair.told.keys() == set(TOLD) for pair in tally.pairs)
        and all(_fits(arm, n) for arm in tally.arms.values())
        and max(tally.only_candidate + tally.only_baseline, sends.late, sends.achieved, sends.blocks) <= n
        and max(len(tally.pairs) + tally.missing, sends.late_blocks) <= sends.blocks
        and sends.behind.n == n
    )
    if not fine:
        raise ValueError("its counts contradict each other")
    return tally


def _small(packed: object) -> bool:
    """True where no more distributions must be unpacked than a tally may have."""
    if not isinstance(packed, dict):
        return False
    arms = [packed.get(name) or {} for name in ("candidate", "baseline")]
    tables = [packed.get("objectives"), *(arm.get(key) for arm in arms if isinstance(arm, dict) for key in _TABLES)]
    return all(table is None or (isinstance(table, dict | list) and len(table) <= _MOST) for table in tables)


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
    )
