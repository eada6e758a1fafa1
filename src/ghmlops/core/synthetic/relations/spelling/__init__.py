"""Relations about spellings of the same request."""
