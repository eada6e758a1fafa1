"""Traffic of the arms of a promotion: one file per source, one line in the table of formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ghmlops.measure.telemetry.access_log import AccessLog, LogLine
from ghmlops.measure.telemetry.haproxy_log import parse_haproxy
from ghmlops.measure.telemetry.json_log import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "AccessLog", "LogLine"]

FORMATS: dict[str, Callable[[str], LogLine | None]] = {
    "haproxy": parse_haproxy,
    "jsonl": parse_json,
}
"""The table of formats of access logs: name in the policy to the parser of one line."""
