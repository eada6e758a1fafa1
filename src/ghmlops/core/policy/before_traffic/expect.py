"""What the sections `shadow` and `synthetic` share: how answers of two versions are expected to relate."""

from __future__ import annotations

from typing import Literal, get_args

Expect = Literal["same", "new-model"]
"""`same`: any proven change of an answer fails. `new-model`: values may change; shape, types and errors may not."""
EXPECTATIONS: tuple[Expect, ...] = get_args(Expect)
