"""Input: everything that is read or measured outside of the process."""
