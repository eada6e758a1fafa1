"""The SQL queries of the prediction diff."""
