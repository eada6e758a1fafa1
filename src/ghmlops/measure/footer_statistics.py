"""Statistics in the footer of a Parquet file are claims of its writer; no DuckDB session may believe them."""

from __future__ import annotations

STATISTICS_OPTIMIZERS = ",".join(
    (
        "statistics_propagation",
        "filter_pushdown",
        "join_filter_pushdown",
        "compressed_materialization",
        "row_group_pruner",
        "top_n",
        "late_materialization",
    )
)
"""Value of DuckDB's setting `disabled_optimizers`: those that use minima, maxima and null counts of a file.

With them, a footer that states the range 0 to 1 hides scores of 5.5 from the contract: a comparison that the range
decides is not evaluated, and a filter skips row groups unread. Without them, the prediction diff of 1M rows per side
takes 1.04 times as much processor time (median of 7 interleaved pairs, data of `scripts/bench/regression`).
"""
