"""What the sections of the policy have in common."""

from __future__ import annotations

import msgspec


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections. Some are written into evidence, where an unknown field is refused when it is read back."""
