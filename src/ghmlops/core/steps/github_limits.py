"""Size limits of GitHub for what ghmlops writes there."""

from __future__ import annotations

STATUS_LIMIT = 140
"""Characters of the description of a commit status or deployment status; GitHub rejects a longer one."""
COMMENT_LIMIT = 65_536
"""Characters of a comment; GitHub rejects a longer one."""
SUMMARY_LIMIT = 1_000_000
"""Bytes of the job summary of a step; GitHub silently drops one above 1 MiB."""
CHECK_SUMMARY_LIMIT = 65_000
"""Characters of the summary of a check run; GitHub rejects more than 65,535."""
