"""Reads the requests to send: payload files and recorded traces."""
