"""What sources of telemetry say about the requests of the arms: increments of counters, and sessions."""
