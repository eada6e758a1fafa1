"""Details of the evidence of `latency`."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Frozen


class LatencyDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="latency"):
    """Details of the evidence of `latency`."""

    entries: dict[str, Any] = {}
