"""From evidence to the verdict for one exact commit: which files count, whether they are consistent, what lacks."""
