"""DuckDB and Spark sessions behind one SQL dialect."""
