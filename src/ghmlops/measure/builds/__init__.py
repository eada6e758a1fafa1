"""Runs the user's build, and collects the files that it writes."""
