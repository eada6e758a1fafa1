"""The input `now`: a time of the past in any zone, or one line about what is wrong with it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ghmlops.commands.shared.base import Services
from ghmlops.commands.shared.console import Console
from ghmlops.commands.shared.production.evaluation_time import evaluation_time
from ghmlops.core.context import Context
from ghmlops.core.errors import InputError

NOW = datetime(2026, 11, 28, 18, tzinfo=UTC)
SERVICES = Services(context=Context(), environ={}, cwd=Path(), now=lambda: NOW, console=Console(stream=io.StringIO()))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("", NOW),
        (" ", NOW),
        ("2026-11-28T18:00:00Z", NOW),
        ("2026-11-28 17:00", datetime(2026, 11, 28, 17, tzinfo=UTC)),
        ("2026-11-28T18:00:00+02:00", datetime(2026, 11, 28, 16, tzinfo=UTC)),
        ("2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
    ],
)
def test_times_of_the_past(text: str, time: datetime) -> None:
    """Without a zone it is UTC; empty is the current time."""
    assert evaluation_time(text, SERVICES) == time.timestamp()


@pytest.mark.parametrize("text", ["soon", "2026-11-28T18:00:01Z", "9999-12-31T23:59:59-14:00", "\x1b[31m"])
def test_what_is_no_time_of_the_past_is_one_line(text: str) -> None:
    """Malformed, in the future, or beyond the calendar: the message repeats no control character."""
    with pytest.raises(InputError) as caught:
        evaluation_time(text, SERVICES)
    assert "`now`" in caught.value.message
    assert caught.value.message.isprintable()
