"""SQL for values of a row that are more than one column: label sets and texts."""
