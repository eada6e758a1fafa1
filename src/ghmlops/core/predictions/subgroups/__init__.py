"""Slices, windows and the search for subgroups that nobody declared."""
