"""Which cases a test takes that tries every point: all with `GHMLOPS_THOROUGH=1`, otherwise every third.

Slow tests whose subject others cover in part are marked `thorough`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
STEP = 1 if os.environ.get("GHMLOPS_THOROUGH") == "1" else 3
"""Distance of the cases that are tried. Three has no common factor with the two moments of a point."""


thorough = pytest.mark.skipif(STEP > 1, reason="GHMLOPS_THOROUGH=1 runs it, as continuous integration on GitHub does")


def part(cases: Sequence[T]) -> list[T]:
    """Return the cases to try; the last is among them."""
    return list(cases[::-STEP])[::-1]
