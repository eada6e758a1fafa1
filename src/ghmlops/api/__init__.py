"""The library: judges tables or files of predictions in the process of the caller.

    import ghmlops

    result = ghmlops.compare(baseline, candidate, task="binary", key="id", label="clicked", score="p_click")
    assert result.passed, result.message

The numbers are those of `ghmlops regression` to the bit, because both call the same functions. Errors are those of
`ghmlops.core.errors`. Packages are imported at the first call.
"""

from __future__ import annotations

from ghmlops.api.calls import assert_latency, assert_no_regression, compare
from ghmlops.api.judgement import Judgement
from ghmlops.api.policies import PolicySource
from ghmlops.api.tables import ArrowTable, Table

__all__ = ["ArrowTable", "Judgement", "PolicySource", "Table", "assert_latency", "assert_no_regression", "compare"]
