"""The latency verdict: the paired e-process, objectives, error tests, shards, imported results."""
