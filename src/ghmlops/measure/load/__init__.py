"""Load generator: an open-loop client that sends on a fixed schedule and records how each request ended."""
