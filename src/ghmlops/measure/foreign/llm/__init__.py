"""Readers of results of load generators for language models: percentiles of answers and of the first token."""
