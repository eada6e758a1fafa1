"""The description of a deployment status says where a promotion is, and the next run reads it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ghmlops.core.promotion.status_text import (
    alerted_reason,
    alerted_text,
    hold_seconds,
    hold_start,
    hold_text,
    is_in_progress,
    rollback_reason,
    rollback_text,
    rung_text,
)

SINCE = "2026-11-28T20:00:00+00:00"


def test_texts() -> None:
    """Numbers of the rung, share and time."""
    assert rung_text(2, 4, 0.25, SINCE) == f"rung 2/4 25% since {SINCE}"
    assert hold_start(hold_text(0.25, SINCE, "environment")) == SINCE
    assert hold_start(rung_text(2, 4, 0.25, SINCE)) == hold_start("") == ""


def test_a_rollback_that_was_interrupted_is_recognised() -> None:
    """By its reason; a rung, a hold, a foreign text and the end of a promotion are none."""
    assert rollback_reason(rollback_text(0.25, SINCE, "errors-above-objective")) == "errors-above-objective"
    others = ["", "rolled back", hold_text(0.25, SINCE, "x"), rung_text(1, 2, 0.5, SINCE)]
    assert [rollback_reason(text) for text in others] == [""] * 4
    assert [is_in_progress(text) for text in (*others, rollback_text(0.25, SINCE, "x"))] == [
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("since", "seconds"), [(SINCE, 90.0), ("", None), ("yesterday", None), ("2026-11-28T20:00:00", None)]
)
def test_age_of_a_hold(since: str, seconds: float | None) -> None:
    """A time that cannot be read has no age."""
    assert hold_seconds(since, datetime(2026, 11, 28, 20, 1, 30, tzinfo=UTC)) == seconds


def test_people_were_alerted() -> None:
    """The note stays readable beside what the description says, and fits into a status of GitHub."""
    text = alerted_text(rollback_text(0.25, SINCE, "errors-above-objective"), "rollback-not-in-effect")
    assert (rollback_reason(text), alerted_reason(text)) == ("errors-above-objective", "rollback-not-in-effect")
    assert len(text) <= 140
    hold = alerted_text(hold_text(0.25, SINCE, "environment"), "environment")
    assert (hold_start(hold), alerted_reason(hold), is_in_progress(hold)) == (SINCE, "environment", True)
    assert [alerted_reason(other) for other in ("", hold_text(0.25, SINCE, "x"), "alerted")] == ["", "", ""]
