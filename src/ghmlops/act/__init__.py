"""I/O out: the only room that changes anything outside the process."""
