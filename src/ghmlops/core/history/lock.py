"""The lock of one service and environment: a file on a branch, which one run holds at a time.

The branch is only ever changed by compare and swap, and its commits are the audit: who held which lock from when to
when, and which run took over from which.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ghmlops.core.model import Frozen

if TYPE_CHECKING:
    from datetime import timedelta

BRANCH = "ghmlops-locks"
"""Branch that contains the locks."""
MAX_LOCK_BYTES = 16 * 1024
"""Bytes of one lock file; a larger one was not written by ghmlops."""


class Holder(Frozen, frozen=True, kw_only=True):
    """A run that holds a lock, or held it.

    Attributes:
        run_id: Workflow run; outside of GitHub Actions a name of the process.
        run_attempt: Attempt of the run.
        run_url: Address of the run; may be empty.
        person: Login of the person who started the run; may be empty.
        commit: Full SHA of the candidate.
        since: Time at which the lock was taken, ISO 8601 (UTC).
    """

    run_id: str
    run_attempt: int = 1
    run_url: str = ""
    person: str = ""
    commit: str
    since: str


class Lock(Frozen, frozen=True, kw_only=True):
    """Content of a lock file.

    Attributes:
        service: Service of the policy.
        environment: Environment that is promoted in.
        holder: The run that holds the lock.
        taken_over_from: The run that held it before and did not release it; `None` if it was free.
    """

    schema: int = 1
    service: str
    environment: str
    holder: Holder
    taken_over_from: Holder | None = None


def lock_path(service: str, environment: str) -> str:
    """Return the path of the lock file: readable, and unique for each pair of names."""
    digest = hashlib.sha256(f"{service}\0{environment}".encode()).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", f"{service}-{environment}").strip("-")[:60]
    return f"locks/{readable}-{digest}.json"


def encode_lock(lock: Lock) -> bytes:
    """Return the bytes of a lock file."""
    return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"


def decode_lock(content: bytes) -> Lock:
    """Return the lock of a file.

    Raises:
        ValueError: The bytes are no lock.
    """
    try:
        lock = msgspec.json.decode(content, type=Lock)
        _since(lock.holder)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"no lock of ghmlops: {error}") from None
    return lock


def is_same_attempt(a: Holder, b: Holder) -> bool:
    """Return whether both are the same attempt of the same run."""
    return (a.run_id, a.run_attempt) == (b.run_id, b.run_attempt)


def lock_age(holder: Holder, now: datetime) -> timedelta:
    """Return for how long a run has held the lock; negative if the clock of that run was ahead of this one."""
    return now - _since(holder)


def is_left(holder: Holder, by: Holder, now: datetime, *, max_age: float) -> bool:
    """Return whether a lock was left behind, by what the lock itself says.

    An earlier attempt of the same run has ended: GitHub starts the next one only then. A lock that is older than any
    promotion can last has no holder either. A time in the future has no such meaning.

    Args:
        holder: The run that holds the lock.
        by: The run that asks.
        now: The current time (UTC).
        max_age: Seconds after which a lock counts as left behind.
    """
    earlier_attempt = holder.run_id == by.run_id and holder.run_attempt < by.run_attempt
    return earlier_attempt or lock_age(holder, now).total_seconds() > max_age


def _since(holder: Holder) -> datetime:
    time = datetime.fromisoformat(holder.since)
    if time.tzinfo is None:
        raise ValueError(f'"{holder.since[:40]}" has no time zone')
    return time.astimezone(UTC)
