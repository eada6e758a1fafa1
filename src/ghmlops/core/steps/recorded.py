"""A deployment as the GitHub API lists it."""

from __future__ import annotations

import re

import msgspec

PAYLOAD_KEY = "ghmlops"
"""Key of our payload within that of a deployment."""
OVERRIDE_KEY = "override"
"""Key of the reason of an override within our payload."""
_MARK = re.compile(r"\[ghmlops ([^\[\]]+)\]$")
OPEN_STATES = ("pending", "queued", "in_progress")
"""States of a deployment that has neither succeeded nor failed."""


class RecordedDeployment(msgspec.Struct, frozen=True, kw_only=True):
    """One deployment of a service to an environment.

    Attributes:
        id: id of the deployment.
        sha: full SHA of its commit.
        state: state of its newest status; `pending` without a status.
        run_id: id of the workflow run that recorded it; empty if it is unknown.
        service: service in its payload, or in a status of an adopted deployment; empty if it is unknown, for example
            that of a job's `environment:`.
        adopted: whether a job's `environment:` created it, so that its service is known from our statuses only.
        own_state: state of the newest status that ghmlops set; differs from `state` if the runner reported the end of
            the job of an adopted deployment. Empty if it is unknown.
        succeeded: whether it was ever live.
        description: description of the newest status that ghmlops set.
        override: reason of the person who overrode the gate, by the payload; empty if nobody did, or if it is unknown.
    """

    id: int
    sha: str
    state: str
    run_id: str = ""
    service: str = ""
    adopted: bool = False
    own_state: str = ""
    succeeded: bool = False
    description: str = ""
    override: str = ""


def service_mark(service: str) -> str:
    """Return the end of a status description that names the service of an adopted deployment."""
    name = re.sub(r"[\[\]]", "", service)
    return f"[ghmlops {name}]"


def marked_service(description: str) -> str:
    """Return the service that a status description names; empty if it names none."""
    match = _MARK.search(description)
    return match.group(1) if match else ""
