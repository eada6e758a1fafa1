"""The description of a deployment status: where a promotion is, in words that the next run reads."""

from __future__ import annotations

import re
from datetime import datetime

_HOLD = re.compile(r"hold at \S+% since (\S+)")
_ROLLBACK = re.compile(r"rollback from \S+% since \S+ (\S+)")
_ALERTED = re.compile(r" alerted (\S+)$")
_LADDER = re.compile(r"rung \d+/\d+ |hold at |rollback from ")


def rung_text(rung: int, count: int, share: float, since: str) -> str:
    """Return the description of a rung, e.g. `rung 2/4 25% since 2026-11-28T20:00:00+00:00`.

    Args:
        rung: Number of the rung, from 1.
        count: Number of rungs.
        share: Share of the candidate.
        since: Time of the change, ISO 8601.
    """
    return f"rung {rung}/{count} {share * 100:.4g}% since {since}"


def hold_text(share: float, since: str, reason_code: str) -> str:
    """Return the description of a hold: `hold at 25% since 2026-11-28T20:00:00+00:00 environment`."""
    return f"hold at {share * 100:.4g}% since {since} {reason_code}"


def rollback_text(share: float, since: str, reason_code: str) -> str:
    """Return the description of a rollback in progress: `rollback from 25% since 2026-11-28T20:00:00+00:00 REASON`."""
    return f"rollback from {share * 100:.4g}% since {since} {reason_code}"


def alerted_text(description: str, reason_code: str) -> str:
    """Return a description with the note that people were alerted, and to what."""
    return f"{description} alerted {reason_code}"


def alerted_reason(description: str) -> str:
    """Return what people were alerted to; empty if they were not."""
    match = _ALERTED.search(description)
    return match[1] if match else ""


def rollback_reason(description: str) -> str:
    """Return the reason code of a rollback in progress; empty if the description is of something else."""
    match = _ROLLBACK.match(description)
    return match[1] if match else ""


def is_in_progress(description: str) -> bool:
    """Return whether a description is that of a ladder: at a rung, on hold, or on the way back."""
    return _LADDER.match(description) is not None


def hold_start(description: str) -> str:
    """Return since when the promotion of a description is on hold; empty if it is not."""
    match = _HOLD.match(description)
    return match[1] if match else ""


def hold_seconds(since: str, now: datetime) -> float | None:
    """Return the age of a hold in seconds; `None` if its start is unknown."""
    try:
        start = datetime.fromisoformat(since)
    except ValueError:
        return None
    return (now - start).total_seconds() if start.tzinfo else None
