"""The run behind a report: where it runs and the addresses that the report links to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ghmlops.core.context import is_repository, is_sha
from ghmlops.core.model import Outcome
from ghmlops.report.text.escape import safe_url

if TYPE_CHECKING:
    from ghmlops.core.history.record import DeploymentRecord


class ReportedOutcome(NamedTuple):
    """The outcome that a report gave a commit."""

    commit: str
    outcome: Outcome


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about the run that neither the verdict nor its evidence contains; an unknown one is empty."""

    workflow: str = ""
    server_url: str = ""
    repository: str = ""
    base_sha: str = ""
    run_id: str = ""
    run_attempt: int = 1
    run_url: str = ""
    artifact_url: str = ""
    page_url: str = ""
    """Address of the HTML page, or of the run that uploads it."""
    dashboard_url: str = ""
    """Address of the dashboard of all deployments, by the policy."""
    docs_url: str = ""
    """Prefix of the `docs` of a finding, with a slash at the end."""
    policy: str = ""
    """Path of the policy file, if there is one."""
    required: tuple[str, ...] = ()
    """Commands that must have evidence."""
    evidence_dir: str = "evidence"
    current_head: str = ""
    """Head commit of the pull request."""
    previous: ReportedOutcome | None = None
    """Report of an earlier commit in the same comment."""
    past: tuple[DeploymentRecord, ...] = ()
    """Newest decisions about the service, oldest first, from the history."""

    def commit_url(self, sha: str) -> str:
        """Return the address of a commit; an empty string if the server or the repository is unknown."""
        server = safe_url(self.server_url) if is_repository(self.repository) and is_sha(sha) else ""
        return f"{server.rstrip('/')}/{self.repository}/commit/{sha}" if server else ""
