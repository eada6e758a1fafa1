"""Several targets: each is judged as a comparison of its own, then all of them together."""
