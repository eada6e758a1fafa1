"""What a report knows in addition to the verdict and its evidence: where it runs and what it links to."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ghmlops.core.context import is_repository, is_sha
from ghmlops.core.model import Outcome
from ghmlops.report.text.escape import address


class Told(NamedTuple):
    """What was said of a commit."""

    commit: str
    outcome: Outcome


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it may be missing."""

    workflow: str = ""
    server_url: str = ""
    repository: str = ""
    base_sha: str = ""
    run_id: str = ""
    run_attempt: int = 1
    run_url: str = ""
    artifact_url: str = ""
    docs_url: str = ""
    """Address in front of a finding's `docs`, with a slash at the end."""
    policy: str = ""
    """Path of the policy file, where there is one."""
    required: tuple[str, ...] = ()
    evidence_dir: str = "evidence"
    current_head: str = ""
    """Head of the pull request where it is known from GitHub."""

    previous: Told | None = None
    """What the comment said of an earlier commit."""

    def commit_url(self, sha: str) -> str:
        """Address of a commit, or empty."""
        known = is_repository(self.repository) and is_sha(sha) and address(self.server_url)
        return f"{known.rstrip('/')}/{self.repository}/commit/{sha}" if known else ""
