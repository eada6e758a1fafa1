"""What replaces the evidence of an earlier run."""
