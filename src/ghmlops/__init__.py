"""ghmlops: GitHub Actions that measure, judge and gate machine-learning services.

As a library, `ghmlops.compare(baseline, candidate, policy)` judges two tables or files of predictions with the numbers
of `ghmlops regression`. See `ghmlops.api`, which is imported at the first use.
"""

from __future__ import annotations

import importlib

TYPE_CHECKING = False  # The import of `typing` takes several milliseconds, in which a signal would end in 143.
if TYPE_CHECKING:
    from ghmlops.api import Judgement, assert_latency, assert_no_regression, compare

__all__ = ["Judgement", "__version__", "assert_latency", "assert_no_regression", "compare"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the library at the first use of one of its names."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("ghmlops.api"), name)
