"""Real services, seeded faults and runs, for `scripts/bench/synthetic`."""
