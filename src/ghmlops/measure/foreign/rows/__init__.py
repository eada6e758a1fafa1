"""Readers of files with one row per request."""
