"""Planning a revert and the text of its commit."""
