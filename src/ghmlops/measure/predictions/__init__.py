"""Two Parquet prediction artifacts in; counted facts and tables of partial aggregates out. The engine is DuckDB."""
