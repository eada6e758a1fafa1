"""Runs a model build and collects the files that it writes."""
