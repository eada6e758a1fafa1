"""The rung before the ladder: requests with a header."""
