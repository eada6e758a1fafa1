"""Parts of `scripts/bench/regression`: the prediction diff compared with a scan, pandas, polars and datacompy."""
