"""The inputs `shard` and `start-at`, and the leg of a shard's evidence."""

from __future__ import annotations

import re

from ghmlops.core.errors import InputError
from ghmlops.core.latency.constants import MAX_SHARDS

_MAX_AHEAD = 3600.0
"""Seconds that a start time may lie ahead; a job that waits longer is probably given a wrong time."""
_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")
_EPOCH = re.compile(r"[0-9]{1,15}(\.[0-9]{1,9})?")
_SHARD_HINT = f"write the two halves of a schedule as `1/2` and `2/2`; at most {MAX_SHARDS} shards are possible"


def parse_shard(text: str) -> tuple[int, int] | None:
    """Return the number of the shard and the number of shards of the input `shard`; `None` if it is empty.

    Raises:
        InputError: The input is not of the form `3/16`, or the shard is out of range.
    """
    if not text:
        return None
    match = _SHARD.fullmatch(text.strip())
    if not match:
        raise InputError(f'input `shard`: expected k/N such as 3/16, got "{text[:40]}"', hint=_SHARD_HINT)
    shard, shards = int(match[1]), int(match[2])
    if not 1 <= shards <= MAX_SHARDS:
        raise InputError(f"input `shard`: expected 1 to {MAX_SHARDS} shards, got {shards}", hint=_SHARD_HINT)
    if not 1 <= shard <= shards:
        raise InputError(f"input `shard`: expected a shard from 1 to {shards}, got {shard}", hint=_SHARD_HINT)
    return shard, shards


def parse_start(text: str, now: float) -> float | None:
    """Return the time of the input `start-at` in seconds of the Unix epoch; `None` if it is empty.

    A time in the past is accepted.

    Raises:
        InputError: The input is not a number, or lies more than one hour ahead of `now`.
    """
    if not text:
        return None
    hint = "give seconds of the Unix epoch, for example `$(($(date +%s) + 60))`"
    if not _EPOCH.fullmatch(text.strip()):
        raise InputError(f'input `start-at`: expected a number of seconds, got "{text[:40]}"', hint=hint)
    start = float(text)
    if start > now + _MAX_AHEAD:
        raise InputError(
            f"input `start-at`: expected at most {_MAX_AHEAD:,.0f} s ahead, got {start - now:,.0f} s ahead", hint=hint
        )
    return start


def shard_leg(leg: str, shard: int, shards: int) -> str:
    """Return the leg of a shard's evidence: `shard-3-of-16`, preceded by the leg of the run if it has one."""
    return f"{leg}-shard-{shard}-of-{shards}" if leg else f"shard-{shard}-of-{shards}"
