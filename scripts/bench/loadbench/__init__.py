"""The parts of `scripts/bench/load`: a server whose truth is known, the peers, the scenarios, the tables."""
