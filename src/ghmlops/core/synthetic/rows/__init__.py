"""Rows of payloads: their fields, their profile, and rows that are generated from it."""
