"""The table of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from github_api import caches, checks, commands, comparison, conversation, delivery, git_data, people

if TYPE_CHECKING:
    from collections.abc import Callable

    from github_api.calls import Call, Response
    from github_api.state import State

OWNED = "/repos/{owner}/{repo}"


class Route(NamedTuple):
    """An endpoint and the permissions, one of which the token must have."""

    serve: Callable[[State, Call], Response]
    permissions: tuple[str, ...] = ()


COMMENT_WRITE, PULLS_READ = ("pull_requests:write", "issues:write"), ("pull_requests:read",)
ROUTES: dict[tuple[str, str], Route] = {
    ("get", "/user"): Route(conversation.get_user),
    ("get", OWNED): Route(conversation.get_repository, ("contents:read",)),
    ("get", f"{OWNED}/pulls"): Route(conversation.list_pulls, PULLS_READ),
    ("post", f"{OWNED}/pulls"): Route(conversation.create_pull, ("pull_requests:write",)),
    ("get", f"{OWNED}/pulls/{{pull_number}}"): Route(conversation.get_pull, PULLS_READ),
    ("get", f"{OWNED}/pulls/{{pull_number}}/commits"): Route(conversation.list_commits_of_pull, PULLS_READ),
    ("get", f"{OWNED}/commits/{{commit_sha}}/pulls"): Route(conversation.list_pulls_of_commit, PULLS_READ),
    ("get", f"{OWNED}/commits/{{ref}}/statuses"): Route(delivery.list_statuses, ("statuses:read",)),
    ("get", f"{OWNED}/issues/{{issue_number}}/comments"): Route(
        conversation.list_comments, ("pull_requests:read", "issues:read")
    ),
    ("post", f"{OWNED}/issues/{{issue_number}}/comments"): Route(conversation.create_comment, COMMENT_WRITE),
    ("get", f"{OWNED}/issues/comments/{{comment_id}}"): Route(
        commands.get_comment, ("pull_requests:read", "issues:read")
    ),
    ("post", f"{OWNED}/issues/comments/{{comment_id}}/reactions"): Route(commands.create_reaction, COMMENT_WRITE),
    ("post", f"{OWNED}/actions/runs/{{run_id}}/rerun"): Route(commands.rerun, ("actions:write",)),
    ("patch", f"{OWNED}/issues/comments/{{comment_id}}"): Route(conversation.edit_comment, COMMENT_WRITE),
    ("delete", f"{OWNED}/issues/comments/{{comment_id}}"): Route(conversation.delete_comment, COMMENT_WRITE),
    ("get", f"{OWNED}/issues"): Route(conversation.list_issues, ("issues:read", "pull_requests:read")),
    ("post", f"{OWNED}/issues"): Route(conversation.create_issue, ("issues:write",)),
    ("patch", f"{OWNED}/issues/{{issue_number}}"): Route(conversation.edit_issue, ("issues:write",)),
    ("get", f"{OWNED}/actions/workflows/{{workflow_id}}/runs"): Route(delivery.list_workflow_runs, ("actions:read",)),
    ("post", f"{OWNED}/actions/workflows/{{workflow_id}}/dispatches"): Route(
        delivery.dispatch_workflow, ("actions:write",)
    ),
    ("get", f"{OWNED}/issues/{{issue_number}}/events"): Route(
        people.list_issue_events, ("pull_requests:read", "issues:read")
    ),
    ("get", f"{OWNED}/collaborators/{{username}}/permission"): Route(people.get_permission),
    ("get", "/orgs/{org}/teams/{team_slug}/memberships/{username}"): Route(people.get_membership, ("members:write",)),
    ("get", f"{OWNED}/compare/{{basehead}}"): Route(comparison.compare_commits, ("contents:read",)),
    ("get", f"{OWNED}/contents/{{path}}"): Route(comparison.get_content, ("contents:read",)),
    ("get", f"{OWNED}/activity"): Route(comparison.list_activity, ("contents:read",)),
    ("get", f"{OWNED}/deployments"): Route(delivery.list_deployments, ("deployments:read",)),
    ("post", f"{OWNED}/deployments"): Route(delivery.create_deployment, ("deployments:write",)),
    ("get", f"{OWNED}/deployments/{{deployment_id}}/statuses"): Route(
        delivery.list_deployment_statuses, ("deployments:read",)
    ),
    ("post", f"{OWNED}/deployments/{{deployment_id}}/statuses"): Route(
        delivery.create_deployment_status, ("deployments:write",)
    ),
    ("post", f"{OWNED}/statuses/{{sha}}"): Route(delivery.create_status, ("statuses:write",)),
    ("get", f"{OWNED}/rules/branches/{{branch}}"): Route(delivery.list_rules),
    ("get", f"{OWNED}/git/ref/{{ref}}"): Route(delivery.get_ref, ("contents:read",)),
    ("post", f"{OWNED}/git/refs"): Route(delivery.create_ref, ("contents:write",)),
    ("patch", f"{OWNED}/git/refs/{{ref}}"): Route(git_data.update_ref, ("contents:write",)),
    ("get", f"{OWNED}/git/matching-refs/{{ref}}"): Route(git_data.list_matching_refs, ("contents:read",)),
    ("post", f"{OWNED}/git/blobs"): Route(git_data.create_blob, ("contents:write",)),
    ("post", f"{OWNED}/git/trees"): Route(git_data.create_tree, ("contents:write",)),
    ("post", f"{OWNED}/git/commits"): Route(git_data.create_commit, ("contents:write",)),
    ("get", f"{OWNED}/git/commits/{{commit_sha}}"): Route(git_data.get_commit, ("contents:read",)),
    ("get", f"{OWNED}/actions/runs"): Route(delivery.list_runs, ("actions:read",)),
    ("get", f"{OWNED}/actions/artifacts"): Route(delivery.list_repository_artifacts, ("actions:read",)),
    ("get", f"{OWNED}/actions/runs/{{run_id}}"): Route(delivery.get_run, ("actions:read",)),
    ("get", f"{OWNED}/actions/runs/{{run_id}}/attempts/{{attempt_number}}"): Route(
        delivery.get_run_attempt, ("actions:read",)
    ),
    ("get", f"{OWNED}/actions/caches"): Route(caches.list_caches, ("actions:read",)),
    ("get", f"{OWNED}/environments"): Route(delivery.list_environments, ("actions:read",)),
    ("get", f"{OWNED}/commits/{{ref}}/check-runs"): Route(checks.list_check_runs, ("checks:read",)),
    ("post", f"{OWNED}/check-runs"): Route(checks.create_check_run, ("checks:write",)),
    ("patch", f"{OWNED}/check-runs/{{check_run_id}}"): Route(checks.edit_check_run, ("checks:write",)),
    ("get", f"{OWNED}/actions/runs/{{run_id}}/artifacts"): Route(delivery.list_artifacts, ("actions:read",)),
    ("get", f"{OWNED}/actions/artifacts/{{artifact_id}}/{{archive_format}}"): Route(
        delivery.download_artifact, ("actions:read",)
    ),
}
