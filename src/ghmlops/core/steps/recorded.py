"""A deployment as the GitHub API lists it."""

from __future__ import annotations

import msgspec

OPEN_STATES = ("pending", "queued", "in_progress")
"""States of a deployment that has neither succeeded nor failed."""


class RecordedDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment of a service to an environment.

    Attributes:
        id: id of the deployment.
        sha: full SHA of its commit.
        state: state of its newest status; `pending` without a status.
        run_id: id of the workflow run that recorded it; empty if it is unknown.
        service: service in its payload; empty if it has none, for example one of a job's `environment:`.
    """

    id: int
    sha: str
    state: str
    run_id: str = ""
    service: str = ""
