"""Requests and failures over the time of a run."""
