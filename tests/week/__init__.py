"""A week of a service in simulated time on real processes: `scripts/week` runs it, and tests/e2e a short form."""
