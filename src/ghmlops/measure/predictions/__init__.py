"""Reads two Parquet prediction artifacts and returns counted facts and tables of partial aggregates. Uses DuckDB."""
