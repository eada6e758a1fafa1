"""GitHub as the service that hosts the branch of a revert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ghmlops.act.github import Client
    from ghmlops.core.revert.api_commit import ApiRevert
    from ghmlops.core.revert.push_result import Published


@dataclass(frozen=True, slots=True)
class GitHub:
    """GitHub as the forge of a revert."""

    client: Client

    def blocking_rules(self, branch: str) -> tuple[str, ...]:
        """Return the rules that block a push; rules that cannot be read count as one that does."""
        from ghmlops.measure.github.pull_requests import blocking_rules

        return blocking_rules(self.client, branch)

    def may_change_workflows(self) -> bool:
        """Return whether the token is not GITHUB_TOKEN; a token whose owner cannot be read is tried."""
        from ghmlops.measure.github.pull_requests import is_workflow_token

        return not is_workflow_token(self.client)

    def publish_commits(self, *, branch: str, tip: str, revert: ApiRevert) -> Published:
        """Create the commits through the API, and move the branch to the last one."""
        from ghmlops.act.github.commits import publish_commits

        return publish_commits(self.client, branch, tip, revert)

    def open_pull_request(self, *, head: str, base: str, title: str, body: str) -> int:
        """Open the revert pull request, or find an open one."""
        from ghmlops.act.github.pull_requests import open_revert_pull_request

        return open_revert_pull_request(self.client, head=head, base=base, title=title, body=body)
