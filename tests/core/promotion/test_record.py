"""The record of a promotion: what people are alerted to, and records of earlier versions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ghmlops.core.promotion.record import INCIDENTS, PromotionRecord
from ghmlops.core.promotion.weights import BASELINE_ONLY


def record(**fields: Any) -> PromotionRecord:
    """Return a record at the baseline."""
    values = {"commit": "a" * 40, "environment": "production", "service": "shop", "run_url": ""}
    return PromotionRecord(**{**values, "shares": BASELINE_ONLY, **fields})


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({}, None),
        ({"decision": "complete", "reason_code": "promotion-complete"}, None),
        ({"decision": "hold", "reason_code": "low-traffic"}, "hold"),
        *(({"decision": "hold", "reason_code": code}, "incident") for code in sorted(INCIDENTS)),
        ({"decision": "rollback", "reason_code": "errors-above-objective"}, "rollback"),
        ({"decision": "rollback", "reason_code": "environment"}, "rollback"),
        (
            {"decision": "rollback", "reason_code": "errors-above-objective", "incident": "rollback-not-in-effect"},
            "incident",
        ),
    ],
)
def test_the_event_that_people_are_alerted_to(fields: dict[str, str], event: str | None) -> None:
    """An incident cannot wait: all arms fail, traffic could not return, or a rollback is not in effect."""
    assert record(**fields).event == event


def test_a_record_of_an_earlier_version_is_read() -> None:
    """It knows neither person nor override nor the commit before; the run that continues it adds them."""
    content = msgspec.to_builtins(record())
    for name in ("base_sha", "override", "person"):
        del content[name]
    read = msgspec.json.decode(msgspec.json.encode(content), type=PromotionRecord)
    assert (read.base_sha, read.override, read.person) == ("", "", "")
