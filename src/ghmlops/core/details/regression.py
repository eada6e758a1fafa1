"""Details of the evidence of `regression`."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Frozen


class RegressionDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="regression"):
    """Details of the evidence of `regression`."""

    entries: dict[str, Any] = {}
