"""Parts of `scripts/bench/regression`: the prediction diff beside a pure scan, pandas, polars and datacompy."""
