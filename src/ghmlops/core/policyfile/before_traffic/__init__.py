"""Readers of the policy sections of the checks before live traffic: `synthetic` and `shadow`."""
