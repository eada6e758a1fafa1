"""Starts a workflow by hand, once for each commit: what a push with GITHUB_TOKEN does not start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ghmlops.clients.github.calls import read, write

if TYPE_CHECKING:
    from ghmlops.clients.github.client import Client

READ, WRITE = "actions: read", "actions: write"


class _Runs(msgspec.Struct, frozen=True):
    total_count: int


def dispatch_workflow(client: Client, *, workflow: str, branch: str, sha: str) -> bool:
    """Start a workflow on a branch, and return whether it was started; `False` if a run of the commit exists already.

    A push with another token than GITHUB_TOKEN may have started it. A response that is lost is looked for among the
    runs before the workflow is started again.

    Args:
        client: The connection.
        workflow: File name of the workflow.
        branch: Branch to run it on.
        sha: Full SHA of the tip of the branch.

    Raises:
        GitHubError: GitHub rejected a request: there is no such workflow, or it cannot be started by hand;
            `PermissionMissing` names the permission.
    """

    def find_existing() -> object | None:
        runs = read(
            client,
            f"actions/workflows/{workflow}/runs",
            _Runs,
            activity=f"looking for a run of {workflow}",
            permission=READ,
            parameters={"head_sha": sha},
        )
        return runs if runs.total_count else None

    if find_existing() is not None:
        return False
    write(
        client,
        "POST",
        f"actions/workflows/{workflow}/dispatches",
        object,
        body={"ref": branch},
        activity=f"starting {workflow}",
        permission=WRITE,
        find_existing=find_existing,
    )
    return True
