"""Details of the evidence of `capacity`."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Frozen


class CapacityDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="capacity"):
    """Details of the evidence of `capacity`."""

    entries: dict[str, Any] = {}
