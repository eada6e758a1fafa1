"""Parts of `scripts/bench/scale`."""
