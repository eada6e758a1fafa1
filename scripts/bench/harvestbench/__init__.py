"""Parts of the benchmark of `harvest`."""
