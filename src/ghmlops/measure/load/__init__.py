"""The load generator: an open-loop HTTP client that sends on a fixed schedule and records how each request ended."""
