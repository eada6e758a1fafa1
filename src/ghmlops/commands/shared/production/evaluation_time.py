"""The time at which a command judges production: now, or a time of the past."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ghmlops.core.errors import InputError
from ghmlops.report.text.escape import printable

if TYPE_CHECKING:
    from ghmlops.commands.shared.base import Services


def evaluation_time(text: str, services: Services) -> float:
    """Return the time of the input `now` in seconds since the epoch.

    Args:
        text: The input, ISO 8601; without a time zone, it is UTC. Empty: the current time.
        services: Services of the command.

    Raises:
        InputError: It is not a time, or has not come yet.
    """
    current = services.now()
    if not text.strip():
        return current.timestamp()
    try:
        time = datetime.fromisoformat(text.strip())
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        raise InputError(
            f'input `now`: expected a time, got "{printable(text[:80])}"', hint="for example --now 2026-11-28T18:00:00Z"
        ) from None
    if time > current:
        raise InputError(f"input `now`: {time:%Y-%m-%d %H:%M} UTC has not come yet", hint="leave it empty for now")
    return time.timestamp()
