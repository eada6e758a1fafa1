"""Runs Schemathesis on both services and adds its findings to the evidence."""
