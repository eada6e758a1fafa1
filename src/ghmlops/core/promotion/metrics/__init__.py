"""Metrics of the service in a promotion: compared between the arms in every interval."""
