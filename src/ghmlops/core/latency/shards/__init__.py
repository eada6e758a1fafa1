"""Shards of one schedule: their inputs, their evidence, whether they belong together, and the findings on their sum."""
