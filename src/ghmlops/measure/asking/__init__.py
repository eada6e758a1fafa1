"""Asks a service one request at a time and returns its answers with their bodies."""
