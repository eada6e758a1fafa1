"""Judging a prediction diff: contract, metrics, behaviour, subgroups."""
