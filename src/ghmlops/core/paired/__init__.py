"""Aggregates of paired rows (the same key on the baseline and the candidate) and the change of a metric they imply."""
