"""The SQL queries of the prediction diff, and the conversion of their results."""
