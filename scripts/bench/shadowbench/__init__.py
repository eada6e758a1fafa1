"""Parts of the benchmark of `shadow` that need a router."""
