"""The parts of `scripts/bench/load`: a server with known response times, the other tools, scenarios, tables."""
