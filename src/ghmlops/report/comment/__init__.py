"""The pull-request comment: one sentence per cause instead of one row per finding, within a few kilobytes."""
