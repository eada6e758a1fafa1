"""Sends the first requests to each endpoint before the load."""
