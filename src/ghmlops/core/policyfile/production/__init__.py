"""Readers of the policy sections of production."""
