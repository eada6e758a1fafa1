"""DuckDB and Spark sessions that run the same SQL."""
