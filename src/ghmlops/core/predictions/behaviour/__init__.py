"""How predictions behave: flips, drift, rank correlation, noise floor, determinism."""
