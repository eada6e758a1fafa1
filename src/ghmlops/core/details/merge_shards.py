"""Details of the evidence of `merge-shards`."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Frozen


class MergeShardsDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="merge-shards"):
    """Details of the evidence of `merge-shards`."""

    entries: dict[str, Any] = {}
