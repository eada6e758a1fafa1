"""Relations about serving: repetition, batches, load, warm-up."""
