"""Details of the evidence of `import`."""

from __future__ import annotations

from typing import Any

from ghmlops.core.model import Frozen


class ImportDetails(Frozen, frozen=True, kw_only=True, tag_field="command", tag="import"):
    """Details of the evidence of `import`."""

    entries: dict[str, Any] = {}
