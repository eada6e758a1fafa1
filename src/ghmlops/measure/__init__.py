"""I/O in: everything that is read or measured from the world."""
