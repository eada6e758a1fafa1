"""Five repositories from real data sets, for `scripts/bench/adoption`."""
